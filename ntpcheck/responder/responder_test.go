package responder

import (
	"net"
	"testing"
	"time"

	"github.com/beevik/ntp"
)

func TestServe(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- Local.Serve(conn) }()
	answer, err := ntp.QueryWithOptions(conn.LocalAddr().String(), ntp.QueryOptions{Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Validate(); err != nil {
		t.Error(err)
	}
	if answer.Stratum != 10 || answer.ReferenceString() != "LOCL" && answer.ReferenceString() != "76.79.67.76" {
		t.Errorf("stratum %d of %q, want 10 of LOCL", answer.Stratum, answer.ReferenceString())
	}
	if off := answer.ClockOffset.Abs(); off > answer.RTT+time.Millisecond {
		t.Errorf("offset %v with a round trip of %v, want none", answer.ClockOffset, answer.RTT)
	}
	conn.Close()
	if err := <-served; err != nil {
		t.Errorf("closed, it says %v", err)
	}
}

func TestOnlyQueriesAreAnswered(t *testing.T) {
	query := make([]byte, size)
	query[0] = 4<<3 | client
	for _, tt := range []struct {
		name   string
		packet []byte
		want   bool
	}{
		{"a query", query, true},
		{"with an extension", append(query[:size:size], 1, 2, 3, 4), true},
		{"too short", query[:47], false},
		{"nothing", nil, false},
		{"another server's reply", append([]byte{4<<3 | server}, query[1:]...), false},
	} {
		if reply := Local.Reply(tt.packet, time.Now()); (reply != nil) != tt.want {
			t.Errorf("%s: answered %v, want %v", tt.name, reply != nil, tt.want)
		}
	}
}
