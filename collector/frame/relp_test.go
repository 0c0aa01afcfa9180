package frame

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// splitRELP delivers the stream in reads of at most step octets and returns its frames
// as "TXNR COMMAND DATA", those whose data was cut with a "…" behind.
func splitRELP(t testing.TB, stream string, limit, step int) ([]string, error) {
	t.Helper()
	s := NewRELPSplitter(limit)
	var got []string
	total := 0
	err := deliver(t, s, stream, step, func(f RELPFrame) {
		total += len(f.Data)
		if len(f.Data) > limit || total > len(stream) || !strings.Contains(stream, string(f.Data)) {
			t.Errorf("data %q of %d octets, %d in all: want at most %d, as sent, %d in all", f.Data, len(f.Data), total, limit, len(stream))
		}
		one := fmt.Sprintf("%d %s %s", f.Number, f.Command, f.Data)
		if f.Truncated {
			one += "…"
		}
		got = append(got, one)
	})
	if err != nil {
		return got, err
	}
	if len(s.buf) > max(limit+maxRELPHeader+firstBuffer, readBuffer) {
		t.Errorf("the buffer has %d octets with a limit of %d", len(s.buf), limit)
	}
	return got, nil
}

var relpStreams = []struct {
	name   string
	stream string
	want   []string
	err    error
}{
	{"open", "1 open 14 relp_version=0\n", []string{"1 open relp_version=0"}, nil},
	{"messages", "2 syslog 5 <13>a\n3 syslog 6 <13>bc\n", []string{"2 syslog <13>a", "3 syslog <13>bc"}, nil},
	{"LF in the data", "2 syslog 7 <13>a\nb\n", []string{"2 syslog <13>a\nb"}, nil},
	{"a frame in the data", "2 syslog 10 3 close 0\n\n", []string{"2 syslog 3 close 0\n"}, nil},
	{"no data", "2 close 0\n3 close 0\n", []string{"2 close ", "3 close "}, nil},
	{"no data behind a space", "2 close 0 \n", []string{"2 close "}, nil},
	{"the highest number", "999999999 syslog 1 a\n", []string{"999999999 syslog a"}, nil},
	{"leading zeros", "000000001 syslog 000000001 a\n", []string{"1 syslog a"}, nil},
	{"the longest command", "1 abcdefghijklmnopqrstuvwxyzABCDEF 0\n", []string{"1 abcdefghijklmnopqrstuvwxyzABCDEF "}, nil},
	{"data as long as may be", "2 syslog 16 0123456789abcdef\n3 close 0\n", []string{"2 syslog 0123456789abcdef", "3 close "}, nil},
	{"data one longer", "2 syslog 17 0123456789abcdefg\n3 close 0\n", []string{"2 syslog 0123456789abcdef…", "3 close "}, nil},
	{"data much longer", "2 syslog 300000 " + strings.Repeat("0123456789", 30000) + "\n3 close 0\n",
		[]string{"2 syslog 0123456789012345…", "3 close "}, nil},
	{"cut in its data", "2 syslog 5 <13>a\n3 syslog 9 <13>b", []string{"2 syslog <13>a"}, nil},
	{"cut in what is cut off", "2 syslog 18 0123456789abcdefg", nil, nil},
	{"cut before its LF", "2 syslog 5 <13>a", nil, nil},
	{"cut in its header", "2 sys", nil, nil},
	{"nothing", "", nil, nil},

	{"a number too long", "1 open 0\n1000000000 close 0\n", []string{"1 open "}, ErrTransactionNumber},
	{"a number without an end", strings.Repeat("1", 100), nil, ErrTransactionNumber},
	{"no number", " open 0\n", nil, ErrTransactionNumber},
	{"an LF between", "1 open 0\n\n2 close 0\n", []string{"1 open "}, ErrTransactionNumber},
	{"syslog instead", "<13>1 2026-03-01T12:00:00Z web1 app - - - a\n", nil, ErrTransactionNumber},
	{"octet counting instead", "5 <13>a", nil, ErrCommand},
	{"no command", "1  0\n", nil, ErrCommand},
	{"a command of digits", "1 0pen 0\n", nil, ErrCommand},
	{"a command that ends the line", "1 open\n", nil, ErrCommand},
	{"a command too long", "1 abcdefghijklmnopqrstuvwxyzABCDEFg 0\n", nil, ErrCommand},
	{"a command without an end", "1 " + strings.Repeat("a", 100), nil, ErrCommand},
	{"no length", "1 open \n", nil, ErrDataLength},
	{"a negative length", "1 open -1 a\n", nil, ErrDataLength},
	{"a length too long", "2 syslog 1000000000 a\n", nil, ErrDataLength},
	{"a length without an end", "2 syslog " + strings.Repeat("1", 100), nil, ErrDataLength},
	{"a length without data", "2 syslog 1\na\n", nil, ErrDataLength},
	{"more than the length says", "2 syslog 4 <13>a\n", nil, ErrTrailer},
	{"more than the length says, cut", "2 syslog 17 0123456789abcdefgh\n", nil, ErrTrailer},
	{"something behind no data", "2 close 0 a\n", nil, ErrTrailer},
}

func TestRELPSplitter(t *testing.T) {
	for _, tt := range relpStreams {
		for _, step := range []int{1, 2, 3, 7, 1 << 20} {
			t.Run(fmt.Sprintf("%s/%d at a time", tt.name, step), func(t *testing.T) {
				got, err := splitRELP(t, tt.stream, longest, step)
				if !slices.Equal(got, tt.want) || !errors.Is(err, tt.err) {
					t.Errorf("splitRELP(%.100q)\n got %q, %v\nwant %q, %v", tt.stream, got, err, tt.want, tt.err)
				}
			})
		}
	}
}

// A frame must come out with the read that brings its last octet, and only then
// nothing waits any more.
func TestRELPFrameComesWithItsLastOctet(t *testing.T) {
	for _, stream := range []string{"2 syslog 5 <13>a\n", "3 close 0\n", "2 syslog 20 0123456789abcdefghij\n"} {
		s := NewRELPSplitter(longest)
		for i := range len(stream) {
			s.Space()[0] = stream[i]
			s.Fill(1)
			_, ok, err := s.Next()
			if last := i == len(stream)-1; ok != last || s.Empty() != last || err != nil {
				t.Errorf("%q: after octet %d of %d: got a frame: %v, empty %v, %v", stream, i+1, len(stream), ok, s.Empty(), err)
			}
		}
	}
}

func TestNextRELPNumber(t *testing.T) {
	for n, want := range map[int]int{0: 1, 1: 2, 999_999_998: 999_999_999, 999_999_999: 1} {
		if got := NextRELPNumber(n); got != want {
			t.Errorf("NextRELPNumber(%d) = %d, want %d", n, got, want)
		}
	}
}

// FuzzRELP checks that the sizes of the reads never matter.
func FuzzRELP(f *testing.F) {
	for _, tt := range relpStreams {
		if len(tt.stream) < 1000 {
			f.Add(tt.stream, uint8(5))
		}
	}
	f.Fuzz(func(t *testing.T, stream string, step uint8) {
		whole, err := splitRELP(t, stream, longest, len(stream)+1)
		parts, errParts := splitRELP(t, stream, longest, int(step)+1)
		if !slices.Equal(whole, parts) || fmt.Sprint(err) != fmt.Sprint(errParts) {
			t.Errorf("at once: %q, %v\nby %d:  %q, %v", whole, err, int(step)+1, parts, errParts)
		}
	})
}

func BenchmarkRELP(b *testing.B) {
	text := "<13>1 2026-03-01T12:00:00.000000Z web1 app 123 - - " + strings.Repeat("m", 100)
	one := fmt.Sprintf("123456 syslog %d %s\n", len(text), text)
	stream := []byte(strings.Repeat(one, 400))
	s := NewRELPSplitter(64 << 10)
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
}

func TestAppendRELP(t *testing.T) {
	var stream []byte
	stream = AppendRELP(stream, 1, "open", "relp_version=0\ncommands=syslog")
	stream = AppendRELP(stream, 999_999_999, "syslog", []byte("<13>a\nb"))
	stream = AppendRELP(stream, 0, "serverclose", "")
	if want := "1 open 30 relp_version=0\ncommands=syslog\n999999999 syslog 7 <13>a\nb\n0 serverclose 0\n"; string(stream) != want {
		t.Errorf("the frames are %q, want %q", stream, want)
	}
	want := []string{"1 open relp_version=0\ncommands=syslog", "999999999 syslog <13>a\nb", "0 serverclose "}
	if have, err := splitRELP(t, string(stream), 100, 7); err != nil || !slices.Equal(have, want) {
		t.Errorf("they are read as %q, %v, want %q", have, err, want)
	}
}
