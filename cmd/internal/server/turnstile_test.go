package server

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	logrustest "github.com/sirupsen/logrus/hooks/test"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/collector/parse"
)

// invent puts n names that nobody has, sent over UDP in one second.
func (h *history) invent(at time.Time, n int) {
	h.t.Helper()
	batch := make([]message.Message, n)
	for i := range batch {
		batch[i] = message.Message{
			Received: at.Add(time.Duration(i)).UnixNano(), Source: netip.MustParseAddr("203.0.113.66"), Transport: message.UDP,
		}
		parse.Parse(fmt.Appendf(nil, "<14>1 %s invented-%d-%d app - - - x", at.Format(time.RFC3339), at.Unix(), i), &batch[i])
	}
	if err := h.Put(batch); err != nil {
		h.t.Fatal(err)
	}
}

// TestParkedHostReturns evicts a host, in favour of another, from a table that is full, and
// restarts the server between: when it returns its row goes on.
func TestParkedHostReturns(t *testing.T) {
	data := t.TempDir()
	small := []string{"SKEWATCH_MAX_HOSTS=100", "SKEWATCH_MAX_HOSTS_PER_PEER=1"}
	h := openHistory(t, data, small...)
	messages := func(host string) (n uint64) {
		for _, r := range rows(t, h.desk, api.Query{}) {
			if r.Host == host {
				n = r.Messages
			}
		}
		return n
	}
	h.at(noon.Add(3 * time.Hour))
	h.receive("web1", noon, 200, 2*time.Second)
	h.commit()
	h.receive("web1", noon.Add(200*time.Second), 10, 2*time.Second)
	h.receive("web2", noon.Add(2*time.Hour), 200, 0) // from the same peer, which may have one
	if a := h.fleet.Admission(); a.Evicted != 1 || a.Originators != 1 {
		t.Fatalf("%+v, want web1 evicted", a)
	}
	h.commit()
	if n := messages("web1"); n != 210 {
		t.Errorf("while it is parked the report counts %d of its messages, want 210", n)
	}
	h.close()

	h = openHistory(t, data, small...)
	h.at(noon.Add(4 * time.Hour))
	if a := h.fleet.Admission(); a.Originators != 2 {
		t.Fatalf("after the restart %+v, want both: there is room", a)
	}
	h.receive("web3", noon.Add(4*time.Hour), 200, 0)
	h.commit()
	h.commit()
	h.receive("web1", noon.Add(4*time.Hour+10*time.Minute), 50, 2*time.Second)
	h.commit()
	if n := messages("web1"); n != 260 {
		t.Errorf("after its return the report counts %d of its messages, want 260", n)
	}
	if a := h.fleet.Admission(); a.Evicted != 2 || a.Recalled != 1 {
		t.Errorf("%+v, want web1 evicted for web3, and web2 for web1, which was recalled from the store", a)
	}
}

func TestTurnedAwayIsLoggedOnceAMinute(t *testing.T) {
	h := openHistory(t, t.TempDir(), "SKEWATCH_MAX_HOSTS=1000")
	log, hook := logrustest.NewNullLogger()
	h.log = log
	for s := range 150 {
		now := noon.Add(time.Duration(s) * time.Second)
		if s < 100 {
			h.invent(now, 1000)
		}
		h.at(now)
		h.turnstile.watch(h.archive)
	}
	var warned []string
	for _, e := range hook.AllEntries() {
		if strings.Contains(e.Message, "not judged") {
			warned = append(warned, fmt.Sprint(e.Data["probation"]))
		}
	}
	if have, want := strings.Join(warned, " "), "500 60000 39000"; have != want {
		t.Errorf("warned of %s messages on probation, want %s: at once, and once a minute while there are more", have, want)
	}
	if n := h.fleet.TurnedAway().Total(); n != 99_500 {
		t.Errorf("%d messages turned away, want 99500", n)
	}
}
