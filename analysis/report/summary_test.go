package report

import (
	"fmt"
	"strings"
	"testing"
)

func TestSummary(t *testing.T) {
	r := fixed()
	const want = `Period: 2026-03-01T12:00:00Z to 2026-03-01T12:34:56Z
Reference: synchronised, 192.0.2.1:123, our clock needs -0.000012 s ± 0.003000 s
Hosts: 3: 1 pass, 1 fail, 1 with insufficient evidence

fail: ahead (192.0.2.7) is ahead, +37.500 s
insufficient: mute (192.0.2.9) is no-clock
`
	if got := r.Summary(); got != want {
		t.Errorf("the summary is\n%s\nwant\n%s", got, want)
	}
	for i := range 30 {
		bad := r.Hosts[0]
		bad.Host = fmt.Sprintf("bad\x1b%d", i)
		r.Hosts = append(r.Hosts, bad)
	}
	got := r.Summary()
	if !strings.HasSuffix(got, "\nand 22 more\n") || strings.Count(got, "\nfail: ") != mostSummed || strings.Contains(got, "\x1b") {
		t.Errorf("of many the summary is\n%s", got)
	}
}
