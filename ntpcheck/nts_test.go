package ntpcheck

import (
	"bytes"
	"context"
	"encoding/binary"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beevik/ntp"

	"github.com/skewatch/skewatch/ntpcheck/chronydtest"
)

// A server that proved itself and then answers in plain is refused by that reason,
// whether it lies or not. The library alone would take its replies.
func TestStrippedOfNTS(t *testing.T) {
	t.Parallel()
	authority := chronydtest.NewAuthority(t)
	server := chronydtest.Start(t, chronydtest.Options{NTS: authority.Issue(t)})
	m := run(t, Config{Servers: []string{server.NTS() + " nts"}, NTSCA: authority.File, Poll: 200 * time.Millisecond, Kernel: KernelOff})
	await(t, m, 10*time.Second, "authenticated", func(s Status) bool { return s.Sources[0].Authenticated })
	server.Stop()
	plain := serveNTPAt(t, server.Addr(), func(query, reply []byte) [][]byte {
		return [][]byte{shifted(reply, time.Hour), append(shifted(reply, time.Hour), query[headerSize:headerSize+36]...)}
	})
	s := await(t, m, 5*time.Second, "refused", func(s Status) bool {
		return s.Sources[0].Reason == "2 replies were ignored: not authenticated by NTS"
	})
	if s.Sources[0].Authenticated || s.Sources[0].Authentication.String() != "nts failed" {
		t.Errorf("%+v, want a failed authentication", s.Sources[0])
	}
	s = await(t, m, 5*time.Second, "not used", func(s Status) bool { return s.Sources[0].State == Refused })
	if s.Sources[0].OffsetSeconds == nil || *s.Sources[0].OffsetSeconds > 1 {
		t.Errorf("%+v, want the offset of before", s.Sources[0])
	}
	await(t, m, 10*time.Second, "keys are exchanged again", func(s Status) bool {
		return s.Sources[0].Reason == "NTS key exchange: nothing listens there (connection refused)"
	})
	if plain.queries.Load() == 0 {
		t.Error("the server in plain was never asked, so this proves nothing")
	}
}

// What the library does with a reply without a seal, and with a malformed one, is why
// each is looked at before. If it learns better, less is to be done here.
func TestLibraryTakesUnsealedReplies(t *testing.T) {
	authority := chronydtest.NewAuthority(t)
	server := chronydtest.Start(t, chronydtest.Options{NTS: authority.Issue(t)})
	m, err := New(Config{Servers: []string{server.NTS() + " nts"}, NTSCA: authority.File})
	if err != nil {
		t.Fatal(err)
	}
	c := &client{Server: m.entries[0].Server, source: m.sources[0]}
	if err := m.resolve(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	if err := m.exchangeKeys(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	var malformed atomic.Bool
	serveNTPAt(t, server.Addr(), func(_, reply []byte) [][]byte {
		if malformed.Load() {
			reply = append(reply, 1, 4, 0, 0)
		}
		return [][]byte{reply}
	})
	if _, err := c.session.QueryWithOptions(&ntp.QueryOptions{Timeout: time.Second}); err != nil {
		t.Errorf("the library now refuses an unsealed reply: %v", err)
	}
	malformed.Store(true)
	_, err = shielded(func() (*ntp.Response, error) {
		return c.session.QueryWithOptions(&ntp.QueryOptions{Timeout: time.Second})
	})
	if !isAuthentication(err) {
		t.Errorf("a malformed reply gives %v, want the library's panic as a refusal", err)
	}
}

func field(kind uint16, body []byte) []byte {
	f := binary.BigEndian.AppendUint16(nil, kind)
	return append(binary.BigEndian.AppendUint16(f, uint16(4+len(body))), body...)
}

func TestUnsealed(t *testing.T) {
	unique, other := field(fieldUnique, bytes.Repeat([]byte{7}, 32)), field(fieldUnique, bytes.Repeat([]byte{8}, 32))
	seal := field(fieldSeal, append([]byte{0, 16, 0, 16}, make([]byte, 32)...))
	cookie := field(0x0204, make([]byte, 100))
	header := make([]byte, headerSize)
	header[1] = 1
	nak := make([]byte, headerSize)
	copy(nak[12:], kissNAK)
	query := bytes.Join([][]byte{header, unique, cookie, seal}, nil)
	for _, tt := range []struct {
		name  string
		parts [][]byte
		good  bool
	}{
		{"sealed", [][]byte{header, unique, seal}, true},
		{"with a field that isn't sealed behind it", [][]byte{header, unique, seal, cookie}, true},
		{"nothing", [][]byte{header}, false},
		{"no seal", [][]byte{header, unique}, false},
		{"another query's", [][]byte{header, other, seal}, false},
		{"not sealed what it answers", [][]byte{header, seal, unique}, false},
		{"two seals", [][]byte{header, unique, seal, seal}, false},
		{"a NAK", [][]byte{nak, unique}, true},
		{"a NAK for another", [][]byte{nak, other}, false},
		{"any other kiss", [][]byte{header[:0], make([]byte, headerSize), unique}, false},
		{"field of no length", [][]byte{header, unique, {4, 4, 0, 0}}, false},
		{"field too long", [][]byte{header, unique, seal[:30]}, false},
		{"half a field", [][]byte{header, unique, seal, {1, 2}}, false},
		{"nonce of no length", [][]byte{header, unique, field(fieldSeal, append([]byte{0, 0, 0, 16}, make([]byte, 32)...))}, false},
		{"no tag", [][]byte{header, unique, field(fieldSeal, append([]byte{0, 16, 0, 0}, make([]byte, 32)...))}, false},
		{"ciphertext beyond the field", [][]byte{header, unique, field(fieldSeal, append([]byte{0, 16, 0, 64}, make([]byte, 32)...))}, false},
	} {
		if reason := unsealed(bytes.Join(tt.parts, nil), query); (reason == "") != tt.good {
			t.Errorf("%s: %q, want it to be good: %v", tt.name, reason, tt.good)
		}
	}
}

func FuzzUnsealed(f *testing.F) {
	unique := field(fieldUnique, bytes.Repeat([]byte{7}, 32))
	query := append(make([]byte, headerSize), unique...)
	f.Add(query)
	f.Add(append(query, field(fieldSeal, append([]byte{0, 16, 0, 16}, make([]byte, 32)...))...))
	f.Fuzz(func(t *testing.T, packet []byte) {
		if len(packet) < headerSize {
			return
		}
		if unsealed(packet, query) == "" && !bytes.Contains(packet, unique) {
			t.Errorf("%x is taken for an answer to another query", packet)
		}
	})
}
