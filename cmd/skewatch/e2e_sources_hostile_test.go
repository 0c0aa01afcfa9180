package main_test

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/testbed"
	"github.com/skewatch/skewatch/ntpcheck/chronydtest"
)

// serveTime is an NTP server that sends what answer makes of a query and an honest
// reply (RFC 5905, section 7.3).
func serveTime(t *testing.T, answer func(query, reply []byte) [][]byte) (address string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		query := make([]byte, 1024)
		for {
			n, peer, err := conn.ReadFrom(query)
			if err != nil {
				return
			}
			for _, datagram := range answer(query[:n], replyTo(query[:n])) {
				_, _ = conn.WriteTo(datagram, peer)
			}
		}
	}()
	return conn.LocalAddr().String()
}

func replyTo(query []byte) []byte {
	reply := make([]byte, 48)
	reply[0], reply[1], reply[3] = 4<<3|4, 1, 0xec
	copy(reply[12:], "GPS")
	if len(query) >= 48 {
		copy(reply[24:32], query[40:48])
	}
	now := time.Now()
	for _, at := range []int{16, 32, 40} {
		binary.BigEndian.PutUint32(reply[at:], uint32(now.Unix()+2_208_988_800))
		binary.BigEndian.PutUint32(reply[at+4:], uint32(uint64(now.Nanosecond())<<32/1e9))
	}
	return reply
}

// edited returns a script that changes every reply.
func edited(edit func(reply []byte)) func(query, reply []byte) [][]byte {
	return func(_, reply []byte) [][]byte {
		edit(reply)
		return [][]byte{reply}
	}
}

// TestEndToEndHostileSources gives the running server, beside three true sources, all
// that a source must not be believed for: each is named, and the reference stays true.
func TestEndToEndHostileSources(t *testing.T) {
	t.Parallel()
	authority := chronydtest.NewAuthority(t)
	keys := filepath.Join(t.TempDir(), "ntp.keys")
	if err := os.WriteFile(keys, []byte("7 AES128 HEX:000102030405060708090a0b0c0d0e0f\n8 SHA1 ASCII:not-theirs\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	true1 := chronydtest.Start(t, chronydtest.Options{})
	keyed := chronydtest.Start(t, chronydtest.Options{Keys: keys})
	sealed := chronydtest.Start(t, chronydtest.Options{NTS: authority.Issue(t)})
	forged := chronydtest.Start(t, chronydtest.Options{NTS: chronydtest.NewAuthority(t).Issue(t)})
	plain := serveTime(t, edited(func([]byte) {}))
	want := []struct{ server, state, reason, authentication string }{
		{true1.Addr(), "", "", "none"},
		{keyed.Addr() + " key 7", "", "", "key ok"},
		{sealed.NTS() + " nts", "", "", "nts ok"},
		{forged.NTS() + " nts", "refused", "certificate refused", "nts failed"},
		{plain + " key 8", "refused", "isn't signed by our key", "key failed"},
		{serveTime(t, edited(func(r []byte) { r[24]++ })), "unreachable", "wrong origin timestamp", "none"},
		{serveTime(t, edited(func(r []byte) { clear(r[24:32]) })), "unreachable", "zero origin timestamp", "none"},
		{serveTime(t, edited(func(r []byte) { r[1] = 16 })), "refused", "stratum 16", "none"},
		{serveTime(t, edited(func(r []byte) { r[0] |= 3 << 6 })), "refused", "leap 3", "none"},
		{serveTime(t, edited(func(r []byte) { r[1] = 0; copy(r[12:], "DENY") })), "refused", `"DENY": not asked again`, "none"},
		{serveTime(t, edited(func(r []byte) { r[1] = 0; copy(r[12:], "RATE") })), "refused", `"RATE": asked every`, "none"},
	}
	args := []string{"--ntp-poll", "1s", "--kernel-clock", "off", "--ntp-keys", keys, "--nts-ca", authority.File}
	for _, w := range want {
		args = append(args, "--ntp-server", w.server)
	}
	s := testbed.StartSkewatch(t, t.TempDir(), args...)
	eventually(t, 30*time.Second, func() error {
		answer := askSources(t, s)
		for i, w := range want {
			x := answer.Sources[i]
			if w.state == "" && x.State != "selected" && x.State != "combined" || w.state != "" && x.State != w.state ||
				!strings.Contains(x.Reason, w.reason) || x.Authentication != w.authentication {
				return fmt.Errorf("%s is %+v, want %+v", w.server, x, w)
			}
		}
		if r := answer.Reference; r.State != "synchronised" || r.Offset == nil || *r.Offset > 1e-3 || *r.Offset < -1e-3 {
			return fmt.Errorf("the reference is %+v, want synchronised within 1 ms", r)
		}
		return nil
	})
	if stdout, _, code := s.Run("sources", "--check"); code != 0 || !strings.Contains(stdout, "3 of 11 sources usable | offset=") {
		t.Errorf("sources --check: exit code %d, %s", code, stdout)
	}
}

// TestEndToEndAudit asks two servers what they tell strangers: a chronyd nothing, a
// scripted one too much.
func TestEndToEndAudit(t *testing.T) {
	t.Parallel()
	quiet := chronydtest.Start(t, chronydtest.Options{})
	talkative := serveTime(t, func(query, reply []byte) [][]byte {
		switch query[0] & 7 {
		case 7:
			packet := append([]byte{0xd7, 0, 3, 42, 0, 6}, make([]byte, 434)...)
			return [][]byte{packet, packet, packet, packet}
		case 6:
			return [][]byte{append([]byte{0x16, 0x82, 0, 1}, make([]byte, 476)...)}
		}
		return [][]byte{reply}
	})
	s := testbed.StartSkewatch(t, t.TempDir(), "--ntp-server", quiet.Addr(), "--ntp-server", talkative, "--kernel-clock", "off")
	stdout, stderr, code := s.Run("sources", "--audit")
	for _, want := range []string{
		quiet.Addr() + "\n  monlist (mode 7)  no answer\n  readvar (mode 6)  no answer\n",
		"ANSWERS strangers: 1760 octets for 8, amplification 220.0\n",
		"ANSWERS strangers: 480 octets for 12, amplification 40.0\n",
		"noquery",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the audit says\n%swant\n%s", stdout, want)
		}
	}
	if code != 1 || stderr != "" {
		t.Errorf("exit code %d, stderr %q; want 1 and nothing", code, stderr)
	}
}

// TestEndToEndTwoLiars lets one of five sources be 100 s off and one 2.5 s.
func TestEndToEndTwoLiars(t *testing.T) {
	t.Parallel()
	var args, liars []string
	for _, shift := range []string{"", "+100s", "", "-2.5s", ""} {
		server := chronydtest.Start(t, chronydtest.Options{FakeTime: shift})
		args = append(args, "--ntp-server", server.Addr())
		if shift != "" {
			liars = append(liars, server.Addr())
		}
	}
	s := testbed.StartSkewatch(t, t.TempDir(), append(args, "--ntp-poll", "1s", "--kernel-clock", "off")...)
	check := func() error {
		answer := askSources(t, s)
		var named []string
		for _, x := range answer.Sources {
			if x.State == "falseticker" {
				named = append(named, x.Address)
			}
		}
		r := answer.Reference
		if !slices.Equal(named, liars) || r.State != "synchronised" || *r.Offset > 1e-3 || *r.Offset < -1e-3 {
			return fmt.Errorf("the reference is %+v and the falsetickers %q, want within 1 ms, and %q", r, named, liars)
		}
		return nil
	}
	eventually(t, 30*time.Second, check)
	for end := time.Now().Add(lasting(60*time.Second, 5*time.Second)); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if err := check(); err != nil {
			t.Fatal(err)
		}
	}
	if stdout, _, code := s.Run("sources", "--check"); code != 1 || !strings.Contains(stdout, "WARNING - falseticker: "+strings.Join(liars, " ")) {
		t.Errorf("sources --check: exit code %d, %s", code, stdout)
	}
	for _, liar := range liars {
		if n := strings.Count(s.Log(), "ntp_server="+liar+" "); n != 1 {
			t.Errorf("the log names %s %d times, want once:\n%s", liar, n, s.Log())
		}
	}
}
