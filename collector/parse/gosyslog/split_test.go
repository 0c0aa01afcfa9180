package gosyslog

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestSplit(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	tests := []struct {
		name, in string
		want     []string
		broken   bool
	}{
		{"lines", "<13>a\n<13>b\n", []string{"<13>a", "<13>b"}, false},
		{"CR, NUL and empty lines", "<13>a\r\n\r\n\n<13>b\x00\n\x00", []string{"<13>a", "<13>b"}, false},
		{"last line not ended", "<13>a\n<13>b", []string{"<13>a", "<13>b"}, false},
		{"no priority", "hello\nworld\n", []string{"hello", "world"}, false},
		{"counted", "5 <13>a6 <13>bc", []string{"<13>a", "<13>bc"}, false},
		{"line end inside a count", "7 <13>a\nb5 <13>c", []string{"<13>a\nb", "<13>c"}, false},
		{"line end after a count", "5 <13>a\n5 <13>b\n", []string{"<13>a", "<13>b"}, false},
		{"both framings", "<13>a\n5 <13>b<13>c\n5 <13>d", []string{"<13>a", "<13>b", "<13>c", "<13>d"}, false},
		{"long", "10000 " + long + long + "\n", []string{long, long}, false},
		{"connection lost inside a count", "9 <13>a", []string{"9 <13>a"}, false},
		{"only line ends", "\n\r\n\x00", nil, false},
		{"nothing", "", nil, false},
		{"no space after the count", "<13>a\n5<13>b", []string{"<13>a"}, true},
		{"count too long", "12345678 <13>a", nil, true},
		{"count over the limit", "65536 <13>a", nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, reader := range []io.Reader{
				strings.NewReader(tt.in),
				iotest.OneByteReader(strings.NewReader(tt.in)),
			} {
				have, err := scan(reader)
				if !slices.Equal(have, tt.want) || tt.broken != (err != nil) {
					t.Errorf("%T: messages of %.60q = %.60q, %v, want %.60q, broken %v", reader, tt.in, have, err, tt.want, tt.broken)
				}
			}
		})
	}
}

func scan(r io.Reader) (messages []string, err error) {
	scanner := bufio.NewScanner(r)
	scanner.Split(Format{}.GetSplitFunc())
	for scanner.Scan() {
		messages = append(messages, scanner.Text())
	}
	return messages, scanner.Err()
}

// The longest message a Scanner can hold must pass, and not only nearly.
func TestSplitLongestCounted(t *testing.T) {
	longest := strings.Repeat("x", maxCounted)
	have, err := scan(strings.NewReader(fmt.Sprintf("%d %s5 <13>a", maxCounted, longest)))
	if err != nil || !slices.Equal(have, []string{longest, "<13>a"}) {
		t.Errorf("%d messages, %v, want 2", len(have), err)
	}
}

// A message must not wait for the next one to arrive.
func TestSplitDoesNotHoldBack(t *testing.T) {
	for _, in := range []string{"\n\n5 <13>a", "\n\n<13>a\n"} {
		advance, token, err := Format{}.GetSplitFunc()([]byte(in), false)
		if advance != len(in) || string(token) != "<13>a" || err != nil {
			t.Errorf("split(%q) = %d, %q, %v, want %d, <13>a", in, advance, token, err, len(in))
		}
	}
}

func TestSplitDatagram(t *testing.T) {
	for _, in := range []string{"<13>a\nb", "29: router: x", "5 <13>a5 <13>b", "\n"} {
		_, token, err := Format{}.GetSplitFunc()([]byte(in), true)
		if string(token) != in || err != nil {
			t.Errorf("split(%q) of a datagram = %q, %v, want all of it", in, token, err)
		}
	}
}
