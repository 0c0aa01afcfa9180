package frame

import (
	"strings"
	"testing"
)

// A buffer that a burst has grown is given back when the burst is over.
func TestBufferShrinks(t *testing.T) {
	s := NewSplitter(readBuffer)
	read := func(octets string) (space int) {
		b := s.Space()
		s.Fill(copy(b, octets))
		for {
			if _, ok, err := s.Next(); err != nil {
				t.Fatal(err)
			} else if !ok {
				return len(b)
			}
		}
	}
	burst := strings.Repeat("<13>a\n", readBuffer)
	for range 6 {
		read(burst)
	}
	if got := len(s.buf); got < readBuffer {
		t.Fatalf("after a burst the buffer has %d octets: the test has lost its object", got)
	}
	read("end of the line\n")
	for range 3 * smallReads {
		read("<13>a\n")
	}
	if got := read("<13>a\n"); got >= 2*firstBuffer {
		t.Errorf("after the burst there is space for %d octets, want about %d", got, firstBuffer)
	}
	read("<13>the beginning of a line")
	if got := read(", and its end\n"); got >= firstBuffer || !s.Empty() {
		t.Errorf("beside the beginning of a line there is space for %d octets", got)
	}
}
