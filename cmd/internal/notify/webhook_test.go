package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	logrustest "github.com/sirupsen/logrus/hooks/test"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
)

// checkOnce wants the events with the IDs from first on to have been taken in their order,
// and each once but for those with the same key.
func checkOnce(t *testing.T, got []taken, first, n uint64) {
	t.Helper()
	var ids []uint64
	seen := map[string]bool{}
	for _, g := range got {
		if key := g.header.Get("Idempotency-Key"); key == "" || !seen[key] {
			ids = append(ids, g.event.ID)
			seen[key] = true
		}
	}
	var want []uint64
	for id := first; id < first+n; id++ {
		want = append(want, id)
	}
	if !slices.Equal(ids, want) {
		t.Errorf("the receiver took %v, want %v", ids, want)
	}
}

// TestTrouble has a receiver fail in every way: nothing is lost or doubled, and the order
// stays.
func TestTrouble(t *testing.T) {
	t.Parallel()
	r := receive(t, "500", "503", "", "later", "cut", "", "hang", "take and cut", "401", "302")
	o := quick
	o.Deadline = 300 * time.Millisecond
	n := start(t, newMemory(), o, r.hook("ops"))
	n.tell(raises(6)...)
	got := r.await(t, 7)
	checkOnce(t, got, 1, 6)
	if len(got) != 7 || got[2].header.Get("Idempotency-Key") != got[3].header.Get("Idempotency-Key") {
		t.Errorf("%d were taken, want 7, and the third twice with one key", len(got))
	}
	_, tries := r.taken()
	if waited := tries[4].at.Sub(tries[3].at); waited < time.Second {
		t.Errorf("after Retry-After: 1 it waited %v", waited)
	}
	eventually(t, func() error {
		if s := n.Status()[0]; s.Delivered != 6 || s.Failed < 6 || s.Failed > 8 || s.Waiting != 0 || s.LastError != "" || !s.Oldest.IsZero() {
			return fmt.Errorf("the status is %+v, want 6 delivered after 8 failures, of which net/http may have mended two cuts", s)
		}
		return nil
	})
}

// TestBody wants the event as `skewatch tail` prints it, its ID, the time, and a signature
// that the secret confirms, also after it was renewed.
func TestBody(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	r := receive(t)
	hook := r.hook("ops")
	hook.SecretFile = secret
	n := (*running)(nil)
	for i, line := range []string{"hunter2", "another"} {
		if err := os.WriteFile(secret, []byte(line+"\nnot this\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if n == nil {
			n = start(t, newMemory(), quick, hook)
		}
		n.tell(warning("web1", raised, "crit"))
		g := r.await(t, i+1)[i]
		mac := hmac.New(sha256.New, []byte(line))
		mac.Write(g.body)
		if want := "sha256=" + hex.EncodeToString(mac.Sum(nil)); g.header.Get("X-Skewatch-Signature") != want {
			t.Errorf("the signature is %q, want %q", g.header.Get("X-Skewatch-Signature"), want)
		}
		if g.event.ID != uint64(i+1) || g.event.Host != "web1" || *g.event.Offset != 40.5 || time.Since(g.event.Delivered) > patience || g.event.Test {
			t.Errorf("the body is %s", g.body)
		}
		for _, name := range []string{"time", "host", "source", "event", "severity", "verdict", "previous", "offset_seconds", "since", "text", "delivered", "id"} {
			if !strings.Contains(string(g.body), `"`+name+`":`) {
				t.Errorf("the body %s has no %s", g.body, name)
			}
		}
	}
	hook.SecretFile += "x"
	var wrong *config.Error
	if _, err := New([]config.Notify{hook}, newMemory(), quick); !errors.As(err, &wrong) || wrong.Field != "notify[0].secret_file" || wrong.Hint == "" {
		t.Errorf("without its secret New returns %v, want an error about it", err)
	}
}

// TestRestart stops the notifier while the receiver fails, and in the middle of a batch.
func TestRestart(t *testing.T) {
	t.Parallel()
	m, r := newMemory(), receive(t)
	m.add(raises(3)...) // before the output was there
	for round := range uint64(4) {
		r.repeat("")
		n := start(t, m, quick, r.hook("ops"))
		n.tell(raises(3)...)
		got := r.await(t, int(6*round)+3)
		checkOnce(t, got, 4, 6*round+3)
		r.repeat("500")
		n.tell(raises(3)...)
		eventually(t, func() error {
			s := n.Status()[0]
			if s.Waiting != 3 || s.Failed == 0 || !strings.Contains(s.LastError, "500: no thanks") || s.Oldest.IsZero() {
				return fmt.Errorf("the status is %+v, want 3 waiting", s)
			}
			return nil
		})
		n.stop()
		again := start(t, m, quick, r.hook("ops"))
		if s := again.Status()[0]; s.LastError == "" {
			t.Errorf("after a restart the status is %+v, want the last error", s)
		}
		r.repeat("")
		checkOnce(t, r.await(t, int(6*round)+6), 4, 6*round+6)
		again.stop()
		if got, _ := r.taken(); len(got) != int(6*round)+6 {
			t.Errorf("%d events were taken, want %d: after an orderly stop nothing comes twice", len(got), 6*round+6)
		}
	}
}

// TestKilled ends the notifier without a word: what was delivered last may come again, with
// its key.
func TestKilled(t *testing.T) {
	t.Parallel()
	m, r := newMemory(), receive(t)
	n := start(t, m, quick, r.hook("ops"))
	before := map[string][]byte{}
	_ = m.Outbox(func(key string, blob []byte) error { before[key] = blob; return nil })
	n.tell(raises(4)...)
	r.await(t, 4)
	n.stop()
	m.outbox = before
	start(t, m, quick, r.hook("ops")).tell(raises(2)...)
	checkOnce(t, r.await(t, 4+6), 1, 6)
}

// TestManyComeAtOnce has more come than memory takes while the receiver is away.
func TestManyComeAtOnce(t *testing.T) {
	t.Parallel()
	r := receive(t)
	o := quick
	o.most = 3
	r.repeat("500")
	n := start(t, newMemory(), o, r.hook("ops"))
	for range 10 {
		n.tell(raises(2)...)
	}
	r.repeat("")
	checkOnce(t, r.await(t, 20), 1, 20)
	n.tell(raises(1)...)
	checkOnce(t, r.await(t, 21), 1, 21)
}

// TestManyWaiting has more wait than memory takes, also after a restart.
func TestManyWaiting(t *testing.T) {
	t.Parallel()
	m, r := newMemory(), receive(t)
	o := quick
	o.most = 3
	r.repeat("500")
	n := start(t, m, o, r.hook("ops"))
	for range 10 {
		n.tell(raises(5)...)
	}
	if s := n.Status()[0]; s.Waiting != 50 {
		t.Errorf("%d wait, want 50", s.Waiting)
	}
	n.stop()
	n = start(t, m, o, r.hook("ops"))
	eventually(t, func() error {
		if s := n.Status()[0]; s.Waiting != 50 || s.Oldest.IsZero() {
			return fmt.Errorf("after a restart the status is %+v, want 50 waiting", s)
		}
		return nil
	})
	r.repeat("")
	for range 10 {
		n.tell(raises(5)...)
	}
	checkOnce(t, r.await(t, 100), 1, 100)
	eventually(t, func() error {
		if s := n.Status()[0]; s.Waiting != 0 || !s.Oldest.IsZero() {
			return fmt.Errorf("the status is %+v, want none waiting", s)
		}
		return nil
	})
}

// TestHangingReceiver wants others to be served meanwhile, and the end not to wait.
func TestHangingReceiver(t *testing.T) {
	t.Parallel()
	hanging, good := receive(t), receive(t)
	hanging.repeat("hang")
	o := quick
	o.Deadline = time.Hour
	n := start(t, newMemory(), o, hanging.hook("hanging"), good.hook("good"))
	n.tell(raises(5)...)
	checkOnce(t, good.await(t, 5), 1, 5)
	if s := n.Status()[0]; s.Delivered != 0 || s.Waiting != 5 {
		t.Errorf("the status of the hanging one is %+v", s)
	}
	n.stop()
}

// TestRefused wants an event that its receiver never takes not to hold up others.
func TestRefused(t *testing.T) {
	t.Parallel()
	log, seen := logrustest.NewNullLogger()
	o := quick
	o.Log = log
	r := receive(t, "", "422", "422", "422", "422", "422")
	n := start(t, newMemory(), o, r.hook("ops"))
	n.tell(raises(3)...)
	got := r.await(t, 2)
	if got[0].event.ID != 1 || got[1].event.ID != 3 {
		t.Errorf("taken are %d and %d, want 1 and 3", got[0].event.ID, got[1].event.ID)
	}
	eventually(t, func() error {
		if s := n.Status()[0]; s.Refused != 1 || s.Delivered != 2 || s.Waiting != 0 {
			return fmt.Errorf("the status is %+v", s)
		}
		return nil
	})
	given := slices.ContainsFunc(seen.AllEntries(), func(e *logrus.Entry) bool { return e.Level == logrus.ErrorLevel && e.Data["id"] == uint64(2) })
	if !given {
		t.Error("the log doesn't name the event that was given up")
	}
}

// TestLog wants a failing output to be named once, without the secret in its URL.
func TestLog(t *testing.T) {
	t.Parallel()
	log, seen := logrustest.NewNullLogger()
	o := quick
	o.Log = log
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close() // nobody listens there
	n := start(t, newMemory(), o, config.Notify{Name: "ops", Type: config.NotifyWebhook, URL: "http://" + l.Addr().String() + "/?token=s3cr3t"})
	n.tell(raises(3)...)
	eventually(t, func() error {
		if s := n.Status()[0]; s.Failed < 5 {
			return fmt.Errorf("%d attempts", s.Failed)
		}
		return nil
	})
	n.stop()
	if all := seen.AllEntries(); len(all) != 1 || all[0].Data["output"] != "ops" || all[0].Data["waiting"] != 3 {
		t.Errorf("logged are %d entries, want one of 3 waiting for ops", len(all))
	}
	for _, e := range seen.AllEntries() {
		if text := fmt.Sprint(e.Message, e.Data); strings.Contains(text, "s3cr3t") || !strings.Contains(text, "refused") {
			t.Errorf("logged is %s, want why without the secret", text)
		}
	}
}

// TestConcerns wants an output that tells what is critical to tell the end of it too.
func TestConcerns(t *testing.T) {
	t.Parallel()
	r := receive(t)
	hook := r.hook("ops")
	hook.MinSeverity, hook.Hosts = config.NotifyCrit, "web*"
	m := newMemory()
	tell := func(n *running, host, kind, severity string) { n.tell(warning(host, kind, severity)) }
	n := start(t, m, quick, hook)
	tell(n, "web1", raised, "warn")   // 1
	tell(n, "WEB/1", raised, "crit")  // 2 told
	tell(n, "db1", raised, "crit")    // 3
	tell(n, "web1", "change", "crit") // 4 told
	tell(n, "web2", raised, "warn")   // 5
	tell(n, "web2", cleared, "warn")  // 6
	r.await(t, 2)
	eventually(t, func() error {
		if s := n.Status()[0]; s.Delivered != 2 {
			return errors.New("not noted")
		}
		return nil
	})
	n.stop()
	n = start(t, m, quick, hook)
	tell(n, "web1", "change", "warn") // 7 told
	tell(n, "web1", cleared, "warn")  // 8 told
	tell(n, "web1", raised, "warn")   // 9
	tell(n, "WEB/1", cleared, "crit") // 10 told
	var ids []uint64
	for _, g := range r.await(t, 5) {
		ids = append(ids, g.event.ID)
	}
	if want := []uint64{2, 4, 7, 8, 10}; !slices.Equal(ids, want) {
		t.Errorf("told are %v, want %v", ids, want)
	}
	n.stop()
	for key := range m.outbox {
		if key != "ops" {
			t.Errorf("the store has %q of a warning that is over", key)
		}
	}
}

// TestForgotten wants an output that was away to begin anew.
func TestForgotten(t *testing.T) {
	t.Parallel()
	m, r, other := newMemory(), receive(t), receive(t)
	n := start(t, m, quick, r.hook("ops"), other.hook("other"))
	n.tell(raises(1)...)
	other.await(t, 1)
	n.stop()
	n = start(t, m, quick, other.hook("other"))
	n.tell(raises(2)...)
	n.stop()
	n = start(t, m, quick, r.hook("ops"), other.hook("other"))
	n.tell(raises(1)...)
	if got := r.await(t, 2); got[1].event.ID != 4 {
		t.Errorf("after it was away it is told of %d, want 4", got[1].event.ID)
	}
	checkOnce(t, other.await(t, 4), 1, 4)
}

func TestPause(t *testing.T) {
	o := output{options: Options{}.withDefaults()}
	for failures, most := range map[int]time.Duration{1: time.Second, 3: 4 * time.Second, 9: 256 * time.Second, 10: 5 * time.Minute, 100: 5 * time.Minute} {
		o.failures = failures
		for range 100 {
			if d := o.pause(errors.New("x")); d < most/2 || d > most {
				t.Errorf("after %d failures it waits %v, want %v to %v", failures, d, most/2, most)
			}
		}
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{"7": 7 * time.Second, "Sun, 01 Mar 2026 12:01:00 GMT": time.Minute, "": 0, "soon": 0, "-3": 0} {
		if have := retryAfter(text, now); have != want {
			t.Errorf("Retry-After: %s is %v, want %v", text, have, want)
		}
	}
	o.failures = 1
	if d := o.pause(&delayed{errors.New("x"), 7 * time.Hour}); d != time.Hour {
		t.Errorf("a receiver that puts off seven hours gets %v, want 1h", d)
	}
}

// TestStdout writes lines, and doesn't hang with one who doesn't read them.
func TestStdout(t *testing.T) {
	t.Parallel()
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	l := newLines(out)
	o := output{options: Options{Deadline: 50 * time.Millisecond}.withDefaults()}
	send := func(events ...api.Event) error {
		return o.attempt(t.Context(), func(ctx context.Context) error { return l.send(ctx, events) })
	}
	if err := send(raises(2)...); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 1<<16)
	k, err := in.Read(got)
	if err != nil || strings.Count(string(got[:k]), "\n") != 2 || !strings.HasPrefix(string(got[:k]), `{"time":`) && !strings.HasPrefix(string(got[:k]), `{"id":`) {
		t.Errorf("written is %q, %v", got[:k], err)
	}
	for err == nil { // until the pipe is full
		err = send(raises(64)...)
	}
	if !errors.Is(err, errDeadline) {
		t.Errorf("a reader that has stopped: %v, want %v", err, errDeadline)
	}
}
