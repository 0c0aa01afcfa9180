package frame

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// splitFuncs are functions that a format may have, good and bad.
var splitFuncs = []bufio.SplitFunc{
	bufio.ScanLines,
	bufio.ScanWords,
	untilNUL,
	func(data []byte, _ bool) (int, []byte, error) { return len(data), data, nil },
	func([]byte, bool) (int, []byte, error) { return 0, nil, nil },
	func([]byte, bool) (int, []byte, error) { panic("no") },
	func(data []byte, _ bool) (int, []byte, error) { return -1, data, nil },
	func(data []byte, _ bool) (int, []byte, error) { return len(data) + 1, data, nil },
	func(data []byte, _ bool) (int, []byte, error) { return 0, data, nil },
	func([]byte, bool) (int, []byte, error) { return 0, []byte{}, nil },
	func(data []byte, _ bool) (int, []byte, error) { return 1, data[:1], bufio.ErrFinalToken },
	func([]byte, bool) (int, []byte, error) { return 0, nil, errors.New("no frame") },
	func([]byte, bool) (int, []byte, error) { return -1, nil, bufio.ErrFinalToken },
}

// untilNUL cuts at NULs, and leaves what the stream's end leaves.
func untilNUL(data []byte, _ bool) (int, []byte, error) {
	n := bytes.IndexByte(data, 0)
	return n + 1, data[:max(n, 0)], nil
}

// splitWith delivers the stream in reads of at most step octets and returns its
// messages, those that were cut with a "…" behind them.
func splitWith(t testing.TB, split bufio.SplitFunc, stream string, limit, step int) (got []string, err error) {
	t.Helper()
	s := NewFuncSplitter(split, limit)
	keep := func(f Frame) {
		m := string(f.Message)
		if len(m) == 0 || len(m) > limit {
			t.Errorf("message %q of %d octets: want 1 to %d", m, len(m), limit)
		}
		if f.Truncated {
			m += "…"
		}
		got = append(got, m)
	}
	err = deliver(t, s, stream, step, keep)
	for range len(stream) + 1 {
		f, ok := s.Rest()
		if !ok {
			if len(s.buf) > max(limit+firstBuffer, readBuffer) {
				t.Errorf("the buffer has %d octets with a limit of %d", len(s.buf), limit)
			}
			return got, err
		}
		keep(f)
	}
	t.Errorf("Rest of %.100q doesn't end", stream)
	return got, err
}

func TestFuncSplitter(t *testing.T) {
	tests := []struct {
		name   string
		split  int // in splitFuncs
		stream string
		want   []string
		err    error
	}{
		{"lines", 0, "a\nb\r\n\nc", []string{"a", "b", "c"}, nil},
		{"words", 1, "a b  c ", []string{"a", "b", "c"}, nil},
		{"what the function leaves", 2, "a\x00b\x00\x00cd", []string{"a", "b", "cd…"}, nil},
		{"longer than the limit", 0, "0123456789abcdefg\nb\n", []string{"0123456789abcdef…", "b"}, nil},
		{"all at once", 3, "a", []string{"a"}, nil},
		{"never a message", 4, "abc", []string{"abc…"}, nil},
		{"panic", 5, "abc", []string{"abc…"}, ErrSplitFunc},
		{"backwards", 6, "abc", []string{"abc…"}, ErrSplitFunc},
		{"too far", 7, "abc", []string{"abc…"}, ErrSplitFunc},
		{"on the spot", 8, "abc", []string{"abc…"}, ErrSplitFunc},
		{"an empty message on the spot", 9, "abc", []string{"abc…"}, nil},
		{"the last message", 10, "abc", []string{"a", "bc…"}, ErrSplitFunc},
		{"an error", 11, "abc", []string{"abc…"}, ErrSplitFunc},
		{"the last message, backwards", 12, "abc", []string{"abc…"}, ErrSplitFunc},
		{"nothing", 5, "", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := splitWith(t, splitFuncs[tt.split], tt.stream, longest, len(tt.stream)+1)
			if !slices.Equal(got, tt.want) || !errors.Is(err, tt.err) {
				t.Errorf("messages of %q: %q, %v, want %q, %v", tt.stream, got, err, tt.want, tt.err)
			}
		})
	}
}

// A function that waits for ever doesn't fill the memory.
func TestFuncSplitterIsBounded(t *testing.T) {
	const limit = 100_000
	stream := strings.Repeat("x", 2*limit)
	got, err := splitWith(t, bufio.ScanLines, stream, limit, len(stream))
	if want := stream[:limit] + "…"; len(got) != 1 || got[0] != want || !errors.Is(err, ErrNoEnd) {
		t.Errorf("a line without end: %d messages, %v, want its first %d octets, %v", len(got), err, limit, ErrNoEnd)
	}
}

func TestFuncSplitterEmpty(t *testing.T) {
	s := NewFuncSplitter(bufio.ScanLines, longest)
	for _, tt := range []struct {
		octets string
		empty  bool
	}{{"a\n", true}, {"b", false}, {"\n", true}} {
		s.Fill(copy(s.Space(), tt.octets))
		for ok := true; ok; {
			_, ok, _ = s.Next()
		}
		if s.Empty() != tt.empty {
			t.Errorf("after %q: Empty is %v, want %v", tt.octets, s.Empty(), tt.empty)
		}
	}
}

// FuzzFuncSplitter checks that no function and no stream brings the splitter out of
// step, and that with a good one the sizes of the reads never matter.
func FuzzFuncSplitter(f *testing.F) {
	for i := range splitFuncs {
		f.Add("<13>a b\n<13>c\x00d e f g h i j k l m\n\n", uint8(i), uint8(3))
	}
	f.Fuzz(func(t *testing.T, stream string, which, step uint8) {
		split := splitFuncs[int(which)%len(splitFuncs)]
		whole, err := splitWith(t, split, stream, longest, len(stream)+1)
		parts, errParts := splitWith(t, split, stream, longest, int(step)+1)
		if int(which)%len(splitFuncs) > 2 {
			return
		}
		if !slices.Equal(whole, parts) || fmt.Sprint(err) != fmt.Sprint(errParts) {
			t.Errorf("at once: %q, %v\nby %d:  %q, %v", whole, err, int(step)+1, parts, errParts)
		}
	})
}
