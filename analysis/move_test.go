package analysis

import (
	"testing"
	"time"
)

// TestMoveShows follows a host that sends a message a second with stamps of a microsecond,
// whose leads are, from some second on, what a function says.
func TestMoveShows(t *testing.T) {
	const step = 5 * time.Second
	tests := []struct {
		name   string
		leads  func(n int) time.Duration // by the seconds since
		shows  int                       // the second in which it begins to; -1 for never
		coarse bool
	}{
		{"forward", func(int) time.Duration { return step }, 0, false},
		{"forward by little", func(int) time.Duration { return 800 * time.Millisecond }, -1, false},
		{"back", func(int) time.Duration { return -step }, 20, false},
		{"back by little", func(int) time.Duration { return -time.Second }, 20, false},
		{"back by little, which truncation hides", func(int) time.Duration { return -2 * time.Second }, -1, true},
		{"a queue that drains", func(n int) time.Duration { return -2*step + time.Duration(n)*100*time.Millisecond }, -1, false},
		{"scattered delays", func(n int) time.Duration { return -step - time.Duration(n*7%10)*30*time.Millisecond }, -1, false},
		{"prompt messages between", func(n int) time.Duration { return -step * time.Duration(min(1, n%15)) }, -1, false},
	}
	for _, tt := range tests {
		s := NewState()
		s.floor, s.ceiling = -int64(250*time.Millisecond), int64(250*time.Millisecond)
		if s.resolution = 1000; tt.coarse {
			s.resolution, s.floor, s.ceiling = second, s.floor-second, s.ceiling+second
		}
		p, m, shows := DefaultParams(), move{}, -1
		for n := range 60 {
			lead, at := int64(tt.leads(n)), epoch+int64(n)*second
			switch {
			case m.from != 0:
				m.add(lead, at)
			case lead < s.floor || lead > s.ceiling:
				m.begin(lead, at, epoch-second, s)
			}
			if shows < 0 && m.shows(&p) {
				shows = n
			}
		}
		if shows != tt.shows {
			t.Errorf("%s: it shows after %d s, want %d", tt.name, shows, tt.shows)
		}
	}
}

// TestMoveEnds follows moves that end: at the first message that no delay explains, after
// some time without support, or as no news.
func TestMoveEnds(t *testing.T) {
	s := NewState()
	s.floor, s.ceiling, s.resolution = -int64(250*time.Millisecond), int64(250*time.Millisecond), 1000
	const five = 5 * second
	tests := []struct {
		name  string
		leads []int64 // one each ten seconds
		kept  bool
		open  bool
		back  bool
	}{
		{"one garbage stamp", []int64{five, 0}, false, false, false},
		{"a late message among those ahead", []int64{five, five, 0, five}, false, true, false},
		{"ahead, and back", []int64{five, five, 0, 0, 0, 0}, false, false, false},
		{"ahead, and back while it is held", []int64{five, five, 0, 0, 0, 0}, true, true, true},
		{"back, and ahead again while it is held", []int64{five, five, 0, 0, 0, 0, five}, true, true, false},
		{"behind, and back", []int64{-five, -five, 0}, false, false, false},
		{"behind, and back while it is held", []int64{-five, -five, 0}, true, true, true},
		{"for long", []int64{five, five, five, five, five, five, five, five, five, five, five, five, five, five, five, five, five, five, five, five}, false, false, false},
	}
	for _, tt := range tests {
		var m move
		m.begin(tt.leads[0], epoch, epoch-second, s)
		m.kept = tt.kept
		for i, lead := range tt.leads[1:] {
			m.add(lead, epoch+int64(i+1)*10*second)
		}
		if open := m.from != 0; open != tt.open || m.back != tt.back {
			t.Errorf("%s: open %v, back %v; want %v and %v", tt.name, open, m.back, tt.open, tt.back)
		}
	}
}
