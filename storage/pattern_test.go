package storage

import (
	"bytes"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"

	"github.com/skewatch/skewatch/collector/message"
)

func TestPatternLiteral(t *testing.T) {
	tests := []struct {
		expr, literal string
		only          bool // the expression is nothing more
	}{
		{"", "", true},
		{"Failed password", "Failed password", true},
		{`a\.b(c)(?:d)`, "a.bcd", true},
		{"(?s)é", "é", true},
		{"from .* port", "from ", false},
		{"from .* port 22", " port 22", false},
		{"(ab)+longer.c", "longer", false},
		{"(abcd){2,3}x", "abcd", false},
		{"x(abcd)*", "x", false},
		{"(abcd){0,3}xy", "xy", false},
		{"(abcd)?", "", false},
		{"abcd|efgh", "", false},
		{"(abcd|efgh) ij", " ij", false},
		{"abcx|abcy", "abc", false},
		{"(?i)failed", "", false},
		{"(?i:failed) pass", " pass", false},
		{"^<14>", "<14>", false},
		{`ab\bcd`, "ab", false},
		{"[0-9]+", "", false},
		{`a\x{FFFD}bc`, "", false},
		{`a\x{FFFD}`, "", false},
	}
	for _, tt := range tests {
		p, err := NewPattern(tt.expr)
		if err != nil {
			t.Fatal(err)
		}
		if string(p.literal) != tt.literal || (p.rest == nil) != tt.only {
			t.Errorf("%q: every match contains %q, only that: %v; want %q, %v", tt.expr, p.literal, p.rest == nil, tt.literal, tt.only)
		}
	}
	for _, expr := range []string{"(", "a**", `\8`, "a{2000}", "\xff"} {
		if _, err := NewPattern(expr); err == nil {
			t.Errorf("%q is taken", expr)
		}
	}
}

func TestPatternMatch(t *testing.T) {
	raws := []string{"", "a", "a\xffb", "a\ufffdb", "Failed", "fAILED", "\xffFailed\xfe", "x\xc3é\xa9", "ab\x00cd", "a\nb", "abab", "aab aab"}
	for _, expr := range []string{"", "a.b", `a\x{FFFD}b`, "Failed", "(?i)failed", "^Failed$", "é", "^x.é.$", `b\x00c`, "a$", "(?m)a$", "(?s)a.b", "(ab){2}", "a+b (a)+b"} {
		p, err := NewPattern(expr)
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range raws {
			if have, want := p.match([]byte(raw)), regexp.MustCompile(expr).MatchString(raw); have != want {
				t.Errorf("%q in %q: %v, want %v", expr, raw, have, want)
			}
		}
	}
}

// excerpt returns a part of what a message says.
func excerpt(r *rand.Rand, raw []byte) []byte {
	if len(raw) == 0 {
		return nil
	}
	from := r.IntN(len(raw))
	return raw[from : from+1+r.IntN(min(40, len(raw)-from))]
}

// TestSieve looks for parts of messages, in their heads, stamps and texts and across
// these, and holds what is found in a block against what is in the messages.
func TestSieve(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	lists := [][]message.Message{nil}
	for n := range uint64(500) {
		lists[0] = append(lists[0], numbered(n+1))
	}
	for _, f := range fleets {
		made := fleet{r, f.hosts, f.processIDs}
		lists = append(lists, made.messages(500, f.transport))
	}
	for i, list := range lists {
		block := sealed(list...)
		var reader blockReader
		for range 300 {
			literal := excerpt(r, list[r.IntN(len(list))].Raw)
			q := Query{Pattern: &Pattern{literal: literal}}
			if err := reader.open(block); err != nil {
				t.Fatal(err)
			}
			if err := reader.sift(&q); err != nil {
				t.Fatal(err)
			}
			var have, want []uint64
			for m := new(message.Message); reader.next(m); {
				have = append(have, m.Sequence)
				wantMessage(t, *m, stored(list[slices.IndexFunc(list, func(o message.Message) bool { return o.Sequence == m.Sequence })]))
			}
			for j := range list {
				if q.Pattern.match(list[j].Raw) {
					want = append(want, list[j].Sequence)
				}
			}
			if !slices.Equal(have, want) {
				t.Fatalf("list %d: %q is in messages %d, want %d", i, literal, have, want)
			}
		}
	}
}

// stored returns a message as the store keeps it.
func stored(m message.Message) message.Message {
	m.AppName, m.ProcID, m.MsgID, m.StructuredData, m.Text = nil, nil, nil, nil, nil
	m.TimeQuality = message.TimeQuality{}
	return m
}

// TestQueryByPattern finds messages, sealed or not, in order and together with other
// limits.
func TestQueryByPattern(t *testing.T) {
	f := fleet{rand.New(rand.NewPCG(1, 2)), 300, false}
	s := openStore(t, t.TempDir(), Options{TailBytes: 64 << 10})
	var all []message.Message
	for range 20 {
		batch := f.messages(200, message.UDP)
		if err := s.Append(batch); err != nil {
			t.Fatal(err)
		}
		all = append(all, batch...)
		syncStore(t, s)
	}
	for _, expr := range []string{"", "Failed password", "nobody says this", "sshd", `port \d+7 `, "(?i)FAILED|accepted", "^<38>1 .* host0064"} {
		p, err := NewPattern(expr)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range []Query{{}, {After: 1500}, {Since: all[1000].Received, Until: all[3000].Received}, {Host: "host0064"}} {
			q.Pattern = p
			var want []uint64
			for i := range all {
				if m := &all[i]; q.matches(m) {
					want = append(want, m.Sequence)
				}
			}
			if have, err := sequences(t, s, q); err != nil || !slices.Equal(have, want) {
				t.Errorf("%q, %+v: have %d messages, %v, want %d", expr, q, len(have), err, len(want))
			}
		}
	}
}

// TestSieveOfDamage passes on what can be read of a block, and says what can't.
func TestSieveOfDamage(t *testing.T) {
	list := (&fleet{rand.New(rand.NewPCG(1, 2)), 300, false}).messages(100, message.UDP)
	block := sealed(list...)
	for _, p := range []*Pattern{{literal: list[0].Raw[:5]}, {}} {
		var r blockReader
		if err := r.open(block); err != nil {
			t.Fatal(err)
		}
		r.columns.kind.bytes[50] = 0xFF // there aren't that many
		err := r.sift(&Query{Pattern: p})
		if err != errBlockCoding {
			t.Errorf("sifting what is cut off gives %v, want %v", err, errBlockCoding)
		}
		m := new(message.Message)
		if !r.next(m) || m.Sequence != list[0].Sequence {
			t.Errorf("the first message read is %d, want %d", m.Sequence, list[0].Sequence)
		}
		for r.next(m) {
		}
		if r.failed() != nil || r.row > 50 {
			t.Errorf("%d messages are read, and again %v", r.row, r.failed())
		}
	}
}

// TestFinding looks for a text in messages of which the second and last have it.
func TestFinding(t *testing.T) {
	text := []byte("a#xabx#b#a#ab")
	var f finding
	for i, want := range []bool{false, true, false, false, true} {
		n := bytes.IndexByte(append(text, '#'), '#')
		if have := f.in(text, n, []byte("ab")); have != want {
			t.Errorf("in message %d: %v, want %v", i, have, want)
		}
		text = text[min(n+1, len(text)):]
	}
}
