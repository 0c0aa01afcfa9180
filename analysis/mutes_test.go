package analysis

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"
)

var muteNoon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// A muting has a state machine take in events at minutes after noon. Every step it is
// stored and restored, as by a server that is killed again and again.
type muting struct {
	t     *testing.T
	mutes *Mutes
	at    time.Time
	disk  map[string][]byte
}

func newMuting(t *testing.T) *muting {
	return &muting{t: t, at: muteNoon, mutes: newTestMutes(), disk: map[string][]byte{}}
}

func newTestMutes() *Mutes {
	matches := func(glob, host string) bool { ok, _ := path.Match(glob, strings.ToLower(host)); return ok }
	present := func(key string, v Verdict) (Interval, string, bool) {
		return Interval{Offset: time.Minute}, "as it is now", key == "present"
	}
	return NewMutes(matches, present)
}

// restart stores what has changed, and restores all that is stored.
func (r *muting) restart() {
	r.t.Helper()
	for _, b := range r.mutes.Snapshot() {
		if !OfMutes(b.Key) {
			r.t.Errorf("%q isn't of mutes", b.Key)
		}
		if r.disk[b.Key] = b.Blob; b.Blob == nil {
			delete(r.disk, b.Key)
		}
	}
	if again := r.mutes.Snapshot(); len(again) > 0 {
		r.t.Errorf("a second snapshot has %q", again)
	}
	counted := r.mutes.muted
	r.mutes = newTestMutes()
	r.mutes.muted = counted
	for key, blob := range r.disk {
		if err := r.mutes.Restore(Blob{key, blob}); err != nil {
			r.t.Fatal(err)
		}
	}
	r.mutes.Heed(nil, r.at, true) // the time isn't known at once
}

// carryOut takes a step as it is written: "12 raise web1 warn late", "0 silence 3 web* late",
// "5 ack web1 10", "7 end silence 1", "20" or "20 doubtful". It returns what people are told,
// what they aren't, and what became of mutes.
func (r *muting) carryOut(step string) (told string) {
	r.t.Helper()
	words := strings.Fields(step)
	var minutes int
	fmt.Sscan(words[0], &minutes)
	r.at = muteNoon.Add(time.Duration(minutes) * time.Minute)
	word := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	var found []Finding
	var err error
	switch word(1) {
	case "silence":
		var until int
		fmt.Sscan(word(2), &until)
		s := Mute{Host: word(3), Begins: r.at, Ends: muteNoon.Add(time.Duration(until) * time.Minute), Author: "anna"}
		if word(4) != "" {
			s.Verdicts = []Verdict{r.verdict(word(4))}
		}
		_, found, err = r.mutes.Silence(s, r.at)
	case "ack":
		var until int
		fmt.Sscan(word(3), &until)
		_, found, err = r.mutes.Acknowledge(word(2), Mute{Ends: muteNoon.Add(time.Duration(until) * time.Minute), Author: "bob"}, r.at)
	case "end":
		kind := Silence
		if word(2) == "ack" {
			kind = Acknowledgement
		}
		var id uint64
		fmt.Sscan(word(3), &id)
		_, found, err = r.mutes.End(MuteRef{kind, id}, "carol", r.at)
	case "", "doubtful":
		found = r.mutes.Heed(nil, r.at, word(1) == "doubtful")
	default:
		found = r.mutes.Heed([]Finding{r.event(words[1:])}, r.at, false)
	}
	if err != nil {
		return err.Error()
	}
	var all []string
	for i := range found {
		all = append(all, shortly(&found[i]))
	}
	return strings.Join(all, "; ")
}

func (r *muting) verdict(name string) (v Verdict) {
	r.t.Helper()
	if err := v.UnmarshalText([]byte(name)); err != nil {
		r.t.Fatal(err)
	}
	return v
}

// event makes an event of "raise web1 warn late", or "notice web1 in-sync".
func (r *muting) event(words []string) Finding {
	r.t.Helper()
	e := &Event{Time: r.at, Since: r.at, Severity: Warn, Previous: InSync, Verdict: InSync, Text: "as it was"}
	name := words[len(words)-1]
	switch words[0] {
	case "change":
		e.Kind = Change
	case "clear":
		e.Kind, name = Clear, "in-sync"
		e.Previous = Late
	}
	if slices.Contains(words, "crit") {
		e.Severity = Crit
	}
	e.Verdict = r.verdict(name)
	if words[0] == "notice" {
		e.Previous = e.Verdict
	}
	if w := r.mutes.open[words[1]]; w != nil {
		e.Since = w.Event.Since
	}
	return Finding{Key: words[1], Host: words[1], Source: "192.0.2.1", Event: e}
}

func shortly(f *Finding) string {
	if n := f.Mute; n != nil {
		if n.Ended == NotEnded {
			return "made " + n.ref().String()
		}
		return strings.TrimSpace(fmt.Sprintf("%v %s %s", n.ref(), n.Ended, n.By))
	}
	e := f.Event
	text := fmt.Sprintf("%v %v %v since %.0f", e.Kind, e.Severity, e.Verdict, e.Since.Sub(muteNoon).Minutes())
	if e.Muted != nil {
		return fmt.Sprintf("(%s: %v)", text, e.Muted)
	}
	return text
}

func TestMutes(t *testing.T) {
	tests := []struct {
		name  string
		steps []string // and after each " -> " what comes of it
	}{
		{"without any", []string{
			"0 raise web1 warn late -> raise warn late since 0",
			"1 change web1 crit late -> change crit late since 0",
			"2 clear web1 -> clear warn in-sync since 0",
		}},
		{"raised and cleared within", []string{
			"0 silence 60 web* -> made silence 1",
			"1 raise web1 warn late -> (raise warn late since 1: silence 1)",
			"2 change web1 crit ahead -> (change crit ahead since 1: silence 1)",
			"3 clear web1 -> (clear warn in-sync since 1: silence 1)",
			"60 -> silence 1 expired",
			"61 raise web1 warn late -> raise warn late since 61",
		}},
		{"stands at the end", []string{
			"0 silence 60 web* -> made silence 1",
			"1 raise web1 warn late -> (raise warn late since 1: silence 1)",
			"2 change web1 crit ahead -> (change crit ahead since 1: silence 1)",
			"59 -> ",
			"60 -> silence 1 expired; raise crit ahead since 1",
			"61 -> ",
			"62 clear web1 -> clear warn in-sync since 1",
		}},
		{"told before, cleared within", []string{
			"0 raise web1 warn late -> raise warn late since 0",
			"1 silence 60 web* -> made silence 1",
			"2 change web1 crit late -> (change crit late since 0: silence 1)",
			"3 clear web1 -> clear warn in-sync since 0",
			"60 -> silence 1 expired",
		}},
		{"told before, stands as it was", []string{
			"0 raise web1 warn late -> raise warn late since 0",
			"1 silence 60 web* -> made silence 1",
			"2 change web1 warn ahead -> (change warn ahead since 0: silence 1)",
			"3 change web1 warn late -> (change warn late since 0: silence 1)",
			"60 -> silence 1 expired",
			"61 clear web1 -> clear warn in-sync since 0",
		}},
		{"told before, stands otherwise", []string{
			"0 raise web1 warn late -> raise warn late since 0",
			"1 silence 60 web* -> made silence 1",
			"2 change web1 crit ahead -> (change crit ahead since 0: silence 1)",
			"60 -> silence 1 expired; change crit ahead since 0",
		}},
		{"another silence goes on", []string{
			"0 silence 60 web* -> made silence 1",
			"0 silence 30 web1 -> made silence 2",
			"1 raise web1 warn late -> (raise warn late since 1: silence 1)",
			"10 end silence 1 -> silence 1 ended carol",
			"30 -> silence 2 expired; raise warn late since 1",
		}},
		{"ended early", []string{
			"0 silence 60 web* -> made silence 1",
			"1 raise web1 warn late -> (raise warn late since 1: silence 1)",
			"2 end silence 1 -> silence 1 ended carol; raise warn late since 1",
			"3 end silence 1 -> " + ErrNoMute.Error(),
			"3 end ack 1 -> " + ErrNoMute.Error(),
		}},
		{"other hosts", []string{
			"0 silence 60 web* -> made silence 1",
			"1 raise db1 warn late -> raise warn late since 1",
		}},
		{"only a verdict", []string{
			"0 silence 60 web* late -> made silence 1",
			"1 raise web1 warn late -> (raise warn late since 1: silence 1)",
			"2 change web1 warn ahead -> raise warn ahead since 1",
			"3 change web1 warn late -> (change warn late since 1: silence 1)",
			"60 -> silence 1 expired; change warn late since 1",
		}},
		{"only a verdict, and back to what was told", []string{
			"0 raise web1 warn ahead -> raise warn ahead since 0",
			"0 silence 60 web* late -> made silence 1",
			"2 change web1 warn late -> (change warn late since 0: silence 1)",
			"3 change web1 warn ahead -> (change warn ahead since 0: silence 1)",
			"4 change web1 warn stuck -> change warn stuck since 0",
			"5 change web1 warn late -> (change warn late since 0: silence 1)",
			"6 change web1 crit stuck -> change crit stuck since 0",
			"60 -> silence 1 expired",
		}},
		{"notices", []string{
			"0 silence 60 web* -> made silence 1",
			"1 notice web1 in-sync -> (raise warn in-sync since 1: silence 1)",
			"60 -> silence 1 expired",
			"61 notice web1 in-sync -> raise warn in-sync since 61",
			"62 clear web1 -> clear warn in-sync since 62",
		}},
		{"acknowledged, becomes critical", []string{
			"0 ack web1 60 -> " + ErrNoWarning.Error(),
			"0 raise web1 warn late -> raise warn late since 0",
			"1 ack web1 60 -> made acknowledgement 1",
			"2 change web1 warn ahead -> (change warn ahead since 0: acknowledgement 1)",
			"3 notice web1 in-sync -> raise warn in-sync since 0",
			"4 change web1 crit ahead -> change crit ahead since 0; acknowledgement 1 graver",
			"5 change web1 warn late -> change warn late since 0",
			"6 clear web1 -> clear warn in-sync since 0",
		}},
		{"acknowledged, cleared", []string{
			"0 raise web1 warn late -> raise warn late since 0",
			"1 ack web1 60 -> made acknowledgement 1",
			"2 clear web1 -> clear warn in-sync since 0; acknowledgement 1 cleared",
			"3 raise web1 warn late -> raise warn late since 3",
		}},
		{"acknowledgement expires", []string{
			"0 raise web1 warn late -> raise warn late since 0",
			"1 ack web1 60 -> made acknowledgement 1",
			"60 -> acknowledgement 1 expired; change warn late since 0",
			"61 -> ",
		}},
		{"acknowledgement of what has changed expires", []string{
			"0 raise web1 crit late -> raise crit late since 0",
			"1 ack web1 60 -> made acknowledgement 1",
			"2 change web1 crit ahead -> (change crit ahead since 0: acknowledgement 1)",
			"60 -> acknowledgement 1 expired; change crit ahead since 0",
		}},
		{"acknowledgement ended early", []string{
			"0 raise web1 warn late -> raise warn late since 0",
			"1 ack web1 60 -> made acknowledgement 1",
			"2 end ack 1 -> acknowledgement 1 ended carol",
			"2 ack web1 60 -> made acknowledgement 2",
			"3 change web1 warn ahead -> (change warn ahead since 0: acknowledgement 2)",
			"4 end ack 2 -> acknowledgement 2 ended carol; change warn ahead since 0",
		}},
		{"acknowledged anew", []string{
			"0 raise web1 warn late -> raise warn late since 0",
			"1 ack web1 60 -> made acknowledgement 1",
			"2 change web1 warn ahead -> (change warn ahead since 0: acknowledgement 1)",
			"3 ack web1 90 -> acknowledgement 1 replaced bob; made acknowledgement 2",
			"60 -> ",
			"90 -> acknowledgement 2 expired; change warn ahead since 0",
		}},
		{"silenced and acknowledged", []string{
			"0 silence 30 web* -> made silence 1",
			"1 raise web1 warn late -> (raise warn late since 1: silence 1)",
			"2 ack web1 60 -> made acknowledgement 2",
			"30 -> silence 1 expired",
			"60 -> acknowledgement 2 expired; raise warn late since 1",
		}},
		{"acknowledgement expires within a silence", []string{
			"0 raise web1 warn late -> raise warn late since 0",
			"1 silence 90 web* -> made silence 1",
			"2 ack web1 60 -> made acknowledgement 2",
			"60 -> acknowledgement 2 expired",
			"90 -> silence 1 expired",
		}},
		{"silence and acknowledgement end at once", []string{
			"0 silence 60 web* -> made silence 1",
			"1 raise web1 warn late -> (raise warn late since 1: silence 1)",
			"2 ack web1 60 -> made acknowledgement 2",
			"60 -> acknowledgement 2 expired; raise warn late since 1; silence 1 expired",
		}},
		{"two silences end at once", []string{
			"0 silence 60 web* -> made silence 1",
			"0 silence 60 web1 -> made silence 2",
			"1 raise web1 warn late -> (raise warn late since 1: silence 2)",
			"60 -> silence 1 expired; silence 2 expired; raise warn late since 1",
		}},
		{"cleared as the silence ends", []string{
			"0 silence 60 web* -> made silence 1",
			"1 raise web1 warn late -> (raise warn late since 1: silence 1)",
			"60 clear web1 -> (clear warn in-sync since 1: silence 1); silence 1 expired",
		}},
		{"changed as the acknowledgement ends", []string{
			"0 raise web1 warn late -> raise warn late since 0",
			"1 ack web1 60 -> made acknowledgement 1",
			"60 change web1 warn ahead -> change warn ahead since 0; acknowledgement 1 expired",
		}},
		{"critical within a silence, never told", []string{
			"0 silence 60 web* -> made silence 1",
			"1 raise web1 warn late -> (raise warn late since 1: silence 1)",
			"2 ack web1 90 -> made acknowledgement 2",
			"3 change web1 crit late -> (change crit late since 1: silence 1); acknowledgement 2 graver",
			"4 clear web1 -> (clear warn in-sync since 1: silence 1)",
		}},
		{"doubtful time", []string{
			"0 silence 60 web* -> made silence 1",
			"1 raise web1 warn late -> (raise warn late since 1: silence 1)",
			"500 doubtful -> ",
			"59 -> ",
			"61 -> silence 1 expired; raise warn late since 1",
		}},
		{"the end and an event at once", []string{
			"0 silence 60 web* -> made silence 1",
			"1 raise web1 warn late -> (raise warn late since 1: silence 1)",
			"60 change web1 crit late -> raise crit late since 1; silence 1 expired",
		}},
	}
	for _, tt := range tests {
		r := newMuting(t)
		for _, line := range tt.steps {
			step, want, _ := strings.Cut(line, "->")
			if told, want := r.carryOut(step), strings.TrimSpace(want); told != want {
				t.Errorf("%s: at %s: %q, want %q", tt.name, step, told, want)
			}
			r.restart()
		}
	}
}

// TestPlannedSilence begins later, and then goes on whatever the clock says.
func TestPlannedSilence(t *testing.T) {
	r := newMuting(t)
	if _, _, err := r.mutes.Silence(Mute{Host: "*", Begins: muteNoon.Add(10 * time.Minute), Ends: muteNoon.Add(20 * time.Minute)}, muteNoon); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"9 raise web1 warn late -> raise warn late since 9",
		"10 raise web2 warn late -> (raise warn late since 10: silence 1)",
		"1 raise web3 warn late -> (raise warn late since 1: silence 1)", // the clock was set back
		"20 -> silence 1 expired; raise warn late since 10; raise warn late since 1",
	} {
		step, want, _ := strings.Cut(line, "->")
		r.restart()
		if told, want := r.carryOut(step), strings.TrimSpace(want); told != want {
			t.Errorf("at %s: %q, want %q", step, told, want)
		}
	}
}

// TestBelated wants what is told late to say why, and how the clock is now if that is known.
func TestBelated(t *testing.T) {
	for key, want := range map[string]string{"web1": "told now that silence 1 has expired: as it was", "present": "told now that silence 1 has expired: as it is now"} {
		r := newMuting(t)
		r.carryOut("0 silence 60 *")
		r.carryOut("1 raise " + key + " warn late")
		found := r.mutes.Heed(nil, muteNoon.Add(time.Hour), false)
		e := found[1].Event
		if e.Text != want || !e.Time.Equal(muteNoon.Add(time.Hour)) || (e.Interval.Offset == time.Minute) != (key == "present") || e.Previous != InSync {
			t.Errorf("%s: told is %+v, want %q", key, e, want)
		}
		if w := r.mutes.Open()[0]; strings.Contains(w.Event.Text, "told now") || w.Held != nil || w.Told == nil {
			t.Errorf("%s: then it is %+v", key, w)
		}
	}
}

// TestPrevious wants what people are told to follow from what they were told before, not from
// what was held back in between.
func TestPrevious(t *testing.T) {
	r := newMuting(t)
	r.carryOut("0 silence 60 web1 late")
	for _, tt := range []struct {
		step     string
		previous Verdict
		severity Severity
		muted    bool
	}{
		{"raise web1 crit ahead", InSync, Crit, false},
		{"change web1 warn late", Ahead, Warn, true},
		{"change web1 warn stuck", Ahead, Warn, false},
		{"change web1 warn drifting", Stuck, Warn, false},
		{"change web1 crit late", Drifting, Crit, true},
		{"clear web1", Drifting, Warn, false},
		{"raise web1 warn late", InSync, Warn, true},
		{"clear web1", Late, Warn, true},
	} {
		f := r.event(strings.Fields(tt.step))
		if w := r.mutes.open["web1"]; w != nil {
			f.Event.Previous = w.Event.Verdict
			if f.Event.Kind == Clear {
				f.Event.Severity = w.Event.Severity
			}
		}
		e := r.mutes.Heed([]Finding{f}, r.at, false)[0].Event
		if e.Previous != tt.previous || e.Severity != tt.severity || (e.Muted != nil) != tt.muted {
			t.Errorf("%s: the event is %+v, want it to follow %v", tt.step, e, tt.previous)
		}
		r.restart()
	}
}

// TestSilencedHosts wants the hosts to be those that the globs match.
func TestSilencedHosts(t *testing.T) {
	for glob, want := range map[string]string{
		"web1": "web1 WEB1", "web*": "web1 WEB1 web12", "*1": "web1 WEB1", "?eb1": "web1 WEB1", "[vw]eb1": "web1 WEB1", `we\b1`: "web1 WEB1", "*": "web1 WEB1 web12 db2", "w": "",
	} {
		r := newMuting(t)
		r.carryOut("0 silence 60 " + glob)
		r.restart()
		r.mutes.Heed(nil, muteNoon, false)
		var silenced []string
		for _, host := range []string{"web1", "WEB1", "web12", "db2"} {
			if r.mutes.Untold(host, host, Late) {
				silenced = append(silenced, host)
			}
		}
		if have := strings.Join(silenced, " "); have != want {
			t.Errorf("%s silences %q, want %q", glob, have, want)
		}
	}
}

// TestManySilences wants their number bounded, and the counts right.
func TestManySilences(t *testing.T) {
	r := newMuting(t)
	for range MostSilences {
		if told := r.carryOut("0 silence 60 x*"); !strings.HasPrefix(told, "made") {
			t.Fatal(told)
		}
	}
	if _, _, err := r.mutes.Silence(Mute{Host: "*", Ends: muteNoon.Add(time.Hour)}, muteNoon); !errors.Is(err, ErrTooManySilences) {
		t.Errorf("one more than %d: %v", MostSilences, err)
	}
	r.carryOut("1 raise x1 warn late")
	r.carryOut("1 raise y1 warn late")
	r.carryOut("1 ack y1 60")
	r.carryOut("2 change y1 warn ahead")
	want := MuteCount{Lasting: [muteKinds]int{MostSilences, 1}, Muted: [muteKinds]uint64{1, 1}}
	if have := r.mutes.Count(); have != want {
		t.Errorf("counted are %+v, want %+v", have, want)
	}
	if found := r.mutes.Heed(nil, muteNoon.Add(time.Hour), false); len(found) != MostSilences+3 {
		t.Errorf("%d are found at the end, want %d ends, and two warnings told", len(found), MostSilences+1)
	}
}

// TestDigestIsTold wants what is said of many hosts to be told, though all were silenced in
// the moment after: nobody would hear of it when the silence ends.
func TestDigestIsTold(t *testing.T) {
	r := newMuting(t)
	r.carryOut("0 silence 60 *")
	f := r.event(strings.Fields("raise x crit wrong-zone"))
	f.Key, f.Host, f.Source = fleetKey, "", ""
	if found := r.mutes.Heed([]Finding{f}, r.at, false); found[0].Event.Muted != nil || len(r.mutes.Open()) > 0 {
		t.Errorf("the digest is muted by %v, and open are %+v", found[0].Event.Muted, r.mutes.Open())
	}
}

// TestAdopt wants the warnings of before mutes were kept to be open, and told.
func TestAdopt(t *testing.T) {
	r := newMuting(t)
	for _, words := range []string{"raise web1 warn late", "raise web2 warn late", "clear web1", "notice web3 in-sync", "change web2 crit ahead"} {
		f := r.event(strings.Fields(words))
		r.mutes.Adopt(&f)
	}
	r.mutes.Adopt(&Finding{Key: "web2", Step: &Step{}})
	r.restart()
	if open := r.mutes.Open(); len(open) != 1 || open[0].Host != "web2" || *open[0].Told != (Telling{Ahead, Crit}) {
		t.Errorf("open are %+v, want that of web2", open)
	}
	if len(r.disk) != 2 {
		t.Errorf("%d entries are stored, want the warning and the table, so that it isn't adopted again", len(r.disk))
	}
}

// Hosts name themselves: none must get at what is stored of mutes.
func TestKeysOfMutes(t *testing.T) {
	for _, key := range []string{"web1\x00192.0.2.1", "\x00192.0.2.1", "\x00", "\x00\x00mutes\x00192.0.2.1", "\x00\x00warning\x00web1\x00192.0.2.1", CollectorKey} {
		if OfMutes(key) {
			t.Errorf("%q is taken for a key of mutes", key)
		}
	}
}
