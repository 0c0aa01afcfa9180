package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/storage"
)

// patience is how long anything may take that a test waits for.
const patience = 20 * time.Second

// eventually polls until the check passes, and fails the test with the check's last words
// when it hasn't in time.
func eventually(t testing.TB, check func() error) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %v", patience, err)
		}
	}
}

// A memory is a store that outlives notifiers.
type memory struct {
	mu     sync.Mutex
	events []api.Event
	outbox map[string][]byte
}

func newMemory() *memory { return &memory{outbox: map[string][]byte{}} }

func (m *memory) EventsAfter(id uint64, fn func(api.Event) error) error {
	m.mu.Lock()
	events := m.events
	m.mu.Unlock()
	for i := range events { // in no certain order
		e := events[len(events)-1-i]
		if e.ID <= id {
			continue
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) LastEvent() (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return uint64(len(m.events)), nil
}

func (m *memory) Outbox(fn func(key string, blob []byte) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, blob := range m.outbox {
		if err := fn(key, blob); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) PutOutbox(entries []storage.State) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range entries {
		if e.Blob == nil {
			delete(m.outbox, e.Key)
			continue
		}
		m.outbox[e.Key] = e.Blob
	}
	return nil
}

// add stores events and gives them their IDs.
func (m *memory) add(events ...api.Event) []api.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range events {
		events[i].ID = uint64(len(m.events) + 1)
		m.events = append(m.events, events[i])
	}
	return events
}

// warning returns an event of a host.
func warning(host, kind, severity string) api.Event {
	offset := 40.5
	e := api.Event{Time: time.Now().UTC(), Host: host, Source: "192.0.2.1", Event: kind, Severity: severity, Verdict: "ahead", Previous: "in-sync",
		Offset: &offset, OffsetLow: &offset, OffsetHigh: &offset, Since: time.Now().Add(-10 * time.Second).UTC(), Text: "ahead by 40.5 s at least", Check: checkOf(kind)}
	if kind == cleared {
		e.Verdict, e.Previous = "in-sync", "ahead"
	}
	return e
}

// raises returns n raised warnings of as many hosts.
func raises(n int) []api.Event {
	all := make([]api.Event, n)
	for i := range all {
		all[i] = warning(fmt.Sprintf("web%d", i), raised, "warn")
	}
	return all
}

// quick are options that don't have a test wait.
var quick = Options{FirstPause: 5 * time.Millisecond, LongestPause: 40 * time.Millisecond, Gather: 50 * time.Millisecond,
	Refresh: 100 * time.Millisecond, Deadline: 2 * time.Second}

// A running is a notifier that runs until stop.
type running struct {
	*Notifier
	store *memory
	stop  func()
}

func start(t testing.TB, m *memory, o Options, outputs ...config.Notify) *running {
	t.Helper()
	n, err := New(outputs, m, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); n.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		select {
		case <-ended:
		case <-time.After(patience):
			t.Error("the notifier doesn't end")
		}
	})
	t.Cleanup(stop)
	return &running{n, m, stop}
}

// tell stores events and hands them over.
func (r *running) tell(events ...api.Event) { r.Tell(r.store.add(events...)) }

// A taken is a request that a receiver got.
type taken struct {
	at     time.Time
	header http.Header
	body   []byte
	event  struct {
		api.Event
		Delivered time.Time `json:"delivered"`
		Test      bool      `json:"test"`
	}
}

// A receiver is a webhook's. It treats each request as the next word of its script says, and
// when that is used up it takes them.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	script []string // an answer's status, "later" (429), "hang", "cut", or "take and cut"
	got    []taken  // what was taken
	tries  []taken  // all
	hung   chan struct{}
}

func receive(t testing.TB, script ...string) *receiver {
	t.Helper()
	r := &receiver{script: script, hung: make(chan struct{})}
	r.Server = httptest.NewServer(r)
	t.Cleanup(func() { close(r.hung); r.CloseClientConnections(); r.Close() })
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	got := taken{at: time.Now(), header: q.Header, body: body}
	_ = json.Unmarshal(body, &got.event) // the test looks at what it has become
	switch word := r.next(got); word {
	case "":
		w.WriteHeader(http.StatusNoContent)
	case "hang":
		<-r.hung
	case "cut", "take and cut":
		panic(http.ErrAbortHandler)
	case "later":
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	default:
		status := http.StatusInternalServerError
		fmt.Sscan(word, &status)
		http.Error(w, "no\r\nthanks", status)
	}
}

func (r *receiver) next(got taken) (word string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tries = append(r.tries, got)
	if len(r.script) > 0 {
		word, r.script = r.script[0], r.script[1:]
	}
	if word == "" || word == "take and cut" {
		r.got = append(r.got, got)
	}
	return word
}

// repeat has the receiver do the same from now on.
func (r *receiver) repeat(word string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.script = nil
	for range 10000 * len(word) {
		r.script = append(r.script, word)
	}
}

// taken returns what was taken, and what was tried, so far.
func (r *receiver) taken() (got, tries []taken) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]taken(nil), r.got...), append([]taken(nil), r.tries...)
}

// await waits until a number of requests were taken.
func (r *receiver) await(t testing.TB, n int) []taken {
	t.Helper()
	eventually(t, func() error {
		if got, tries := r.taken(); len(got) < n {
			return fmt.Errorf("%d of %d events were taken, in %d tries", len(got), n, len(tries))
		}
		return nil
	})
	got, _ := r.taken()
	return got
}

// hook returns the output that posts to the receiver.
func (r *receiver) hook(name string) config.Notify {
	return config.Notify{Name: name, Type: config.NotifyWebhook, URL: r.URL + "/hook?token=s3cr3t", MinSeverity: config.NotifyWarn}
}

// checkOf returns what there is to check after an event of a kind.
func checkOf(kind string) string {
	if kind == cleared {
		return ""
	}
	return "run chronyc tracking there"
}
