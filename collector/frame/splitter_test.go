package frame

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// deliver delivers the stream to either splitter in reads of at most step octets, and calls
// keep with each frame.
func deliver[F any](t testing.TB, s interface {
	Space() []byte
	Fill(n int)
	Next() (F, bool, error)
}, stream string, step int, keep func(F)) error {
	t.Helper()
	for len(stream) > 0 {
		space := s.Space()
		if len(space) == 0 {
			t.Fatalf("Space is empty with %d octets to come", len(stream))
		}
		n := copy(space[:min(step, len(space))], stream)
		stream = stream[n:]
		s.Fill(n)
		for {
			f, ok, err := s.Next()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			keep(f)
		}
	}
	return nil
}

// split delivers the stream in reads of at most step octets and returns its
// messages, those that were cut with a "…" behind them. It checks what holds for
// every message of every stream.
func split(t testing.TB, stream string, limit, step int) ([]string, error) {
	t.Helper()
	s := NewSplitter(limit)
	var got []string
	total := 0
	keep := func(f Frame) {
		m := string(f.Message)
		total += len(m)
		if len(m) == 0 || len(m) > limit || total > len(stream) || !strings.Contains(stream, m) {
			t.Errorf("message %q of %d octets, %d in all: want 1 to %d, as sent, %d in all", m, len(m), total, limit, len(stream))
		}
		if f.Truncated {
			m += "…"
		}
		got = append(got, m)
	}
	if err := deliver(t, s, stream, step, keep); err != nil {
		return got, err
	}
	if f, ok := s.Rest(); ok {
		keep(f)
	}
	return got, nil
}

// longest is the limit of the streams below.
const longest = 16

var streams = []struct {
	name   string
	stream string
	want   []string
	err    error
}{
	{"lines", "<13>a\n<13>b\n", []string{"<13>a", "<13>b"}, nil},
	{"one CR before the LF", "<13>a\r\n<13>b\r\r\n", []string{"<13>a", "<13>b\r"}, nil},
	{"one NUL before the LF", "<13>a\x00\n<13>b\x00\x00\n", []string{"<13>a", "<13>b\x00"}, nil},
	{"empty lines", "\n\r\n\n<13>a\n\x00\n\n", []string{"<13>a"}, nil},
	{"octet counting", "5 <13>a6 <13>bc", []string{"<13>a", "<13>bc"}, nil},
	{"LF after a counted frame", "5 <13>a\n6 <13>bc\n", []string{"<13>a", "<13>bc"}, nil},
	{"CR LF after a counted frame", "5 <13>a\r\n6 <13>bc\r\n", []string{"<13>a", "<13>bc"}, nil},
	{"LF inside a counted frame", "9 <13>a\nb\nc5 <13>d", []string{"<13>a\nb\nc", "<13>d"}, nil},
	{"LF counted in is the sender's", "6 <13>a\n5 <13>b", []string{"<13>a\n", "<13>b"}, nil},
	{"both framings", "<13>a\n5 <13>b<13>c\n5 <13>d\n<13>e\n", []string{"<13>a", "<13>b", "<13>c", "<13>d", "<13>e"}, nil},
	{"ASA's space before a line", "<13>a\n <13>b\n", []string{"<13>a", "<13>b"}, nil},
	{"ASA's space before a count", "5 <13>a\n 5 <13>b\n", []string{"<13>a", "<13>b"}, nil},
	{"indented lines are the sender's", "<13>a\n b\n <c>\n 12 d\n <\n", []string{"<13>a", " b", " <c>", " 12 d", " <"}, nil},
	{"no PRI, a date first", "2018-04-20 a\n20180420T1315 b\n", []string{"2018-04-20 a", "20180420T1315 b"}, nil},
	{"no PRI, epoch seconds first", "1563249630.77 a\n", []string{"1563249630.77 a"}, nil},
	{"digits and two spaces", "12  a\n", []string{"12  a"}, nil},
	{"digits alone", "12\n", []string{"12"}, nil},
	{"a leading zero is no count", "0 <13>a\n05 <13>b\n", []string{"0 <13>a", "05 <13>b"}, nil},
	{"a last line without LF", "<13>a\n<13>b", []string{"<13>a", "<13>b"}, nil},
	{"digits at the end", "<13>a\n12", []string{"<13>a", "12"}, nil},
	{"cut in a counted frame", "5 <13>a9 <13>b", []string{"<13>a", "<13>b…"}, nil},
	{"cut after a count", "5 <13>a9 ", []string{"<13>a", "9 "}, nil},
	{"a line as long as may be", "0123456789abcdef\n<13>a\n", []string{"0123456789abcdef", "<13>a"}, nil},
	{"and with CR", "0123456789abcdef\r\n<13>a\n", []string{"0123456789abcdef", "<13>a"}, nil},
	{"a line one longer", "0123456789abcdefg\n<13>a\n", []string{"0123456789abcdef…", "<13>a"}, nil},
	{"a line much longer", "x" + strings.Repeat("0123456789", 30) + "\n<13>a\n", []string{"x012345678901234…", "<13>a"}, nil},
	{"a long line at the end", "x" + strings.Repeat("0123456789", 30), []string{"x012345678901234…"}, nil},
	{"a count as long as may be", "16 0123456789abcdef5 <13>a", []string{"0123456789abcdef", "<13>a"}, nil},
	{"a count one longer", "17 0123456789abcdefg5 <13>a", []string{"0123456789abcdef…", "<13>a"}, nil},
	{"a count much longer", "300 " + strings.Repeat("0123456789", 30) + "5 <13>a", []string{"0123456789012345…", "<13>a"}, nil},
	{"LFs in what is cut off", "20 0123456789abcdef\n\n\n\n5 <13>a", []string{"0123456789abcdef…", "<13>a"}, nil},
	{"the largest count", "9999999 0123456789abcdefghij", []string{"0123456789abcdef…"}, nil},
	{"a count too long", "<13>a\n10000000 <13>b\n", []string{"<13>a"}, ErrCountTooLong},
	{"a count that overflows", "18446744073709551621 <13>b\n", nil, ErrCountTooLong},
	{"a count without an end", strings.Repeat("1", 100), nil, ErrCountEndless},
	{"nothing", "", nil, nil},
}

func TestSplitter(t *testing.T) {
	for _, tt := range streams {
		for _, step := range []int{1, 2, 3, 7, 1 << 20} {
			t.Run(fmt.Sprintf("%s/%d at a time", tt.name, step), func(t *testing.T) {
				got, err := split(t, tt.stream, longest, step)
				if !slices.Equal(got, tt.want) || !errors.Is(err, tt.err) {
					t.Errorf("split(%q)\n got %q, %v\nwant %q, %v", tt.stream, got, err, tt.want, tt.err)
				}
			})
		}
	}
}

// A message must come out with the read that brings its last octet: a receive
// stamp belongs to that read.
func TestMessageComesWithItsLastOctet(t *testing.T) {
	for _, stream := range []string{"<13>a\n", "5 <13>a", " <13>a\n", "<13>a\r\n", "2018-04-20\n"} {
		s := NewSplitter(1024)
		for i := range len(stream) {
			s.Space()[0] = stream[i]
			s.Fill(1)
			_, ok, err := s.Next()
			if last := i == len(stream)-1; ok != last || err != nil {
				t.Errorf("%q: after octet %d of %d: got a message: %v, %v", stream, i+1, len(stream), ok, err)
			}
		}
	}
}

// A quiet connection costs little memory, and no connection more than its limit.
func TestBufferIsBounded(t *testing.T) {
	const limit = 100_000
	s := NewSplitter(limit)
	if got := len(s.Space()); got != firstBuffer {
		t.Errorf("Space of a new Splitter = %d octets, want %d", got, firstBuffer)
	}
	for range 1000 {
		s.Fill(copy(s.Space(), bytes.Repeat([]byte("x"), limit)))
		for ok := true; ok; {
			_, ok, _ = s.Next()
		}
	}
	if got := len(s.buf); got > limit+maxHeader {
		t.Errorf("the buffer has %d octets, want at most %d", got, limit+maxHeader)
	}
}

// FuzzSplitter checks that the sizes of the reads never matter.
func FuzzSplitter(f *testing.F) {
	for _, tt := range streams {
		f.Add(tt.stream, uint8(5))
	}
	f.Fuzz(func(t *testing.T, stream string, step uint8) {
		whole, err := split(t, stream, longest, len(stream)+1)
		parts, errParts := split(t, stream, longest, int(step)+1)
		if !slices.Equal(whole, parts) || fmt.Sprint(err) != fmt.Sprint(errParts) {
			t.Errorf("at once: %q, %v\nby %d:  %q, %v", whole, err, int(step)+1, parts, errParts)
		}
	})
}

func BenchmarkSplitter(b *testing.B) {
	text := "<13>1 2026-03-01T12:00:00.000000Z web1 app 123 - - " + strings.Repeat("m", 100)
	for name, one := range map[string]string{
		"lines":   text + "\n",
		"counted": fmt.Sprintf("%d %s", len(text), text),
	} {
		stream := []byte(strings.Repeat(one, 400))
		b.Run(name, func(b *testing.B) {
			s := NewSplitter(64 << 10)
			b.ReportAllocs()
			b.SetBytes(int64(len(one)))
			for n := 0; n < b.N; {
				for rest := stream; len(rest) > 0; {
					filled := copy(s.Space(), rest)
					rest = rest[filled:]
					s.Fill(filled)
					for _, ok, _ := s.Next(); ok; _, ok, _ = s.Next() {
						n++
					}
				}
			}
		})
	}
}
