package server_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/cmd/internal/server"
	"github.com/skewatch/skewatch/cmd/internal/server/servertest"
)

// inTime returns a message of a host whose clock is right.
func inTime(host, text string) string {
	return fmt.Sprintf("<14>1 %s %s app - - - %s", time.Now().UTC().Format(time.RFC3339Nano), host, text)
}

// stored returns the texts of the stored messages.
func stored(t *testing.T, d api.Desk, q api.Query) (texts []string) {
	t.Helper()
	if err := d.Messages(t.Context(), q, func(m api.Message) error { texts = append(texts, m.Message); return nil }); err != nil {
		t.Fatal(err)
	}
	return texts
}

func TestNotice(t *testing.T) {
	data := t.TempDir()
	path := filepath.Join(data, "server.json")
	if err := os.WriteFile(path, []byte(`{"url":"http://127.0.0.1:1","pid":1}`), 0o600); err != nil { // as a killed server leaves it
		t.Fatal(err)
	}
	s := servertest.Start(t, data)
	want := server.Notice{URL: s.URL.String(), PID: os.Getpid(), Listen: map[string][]string{"udp": {s.UDP}, "tcp": {s.TCP}}}
	if have, err := server.ReadNotice(data); err != nil || !reflect.DeepEqual(have, want) {
		t.Errorf("the notice is %+v, %v, want %+v", have, err, want)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the notice's mode is %v, %v, want 0600", info.Mode(), err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if n, err := server.ReadNotice(data); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the stop the notice is %+v, %v, want none", n, err)
	}
}

// TestNoticeWithoutHTTP shows that a server without API says so.
func TestNoticeWithoutHTTP(t *testing.T) {
	data := t.TempDir()
	servertest.Start(t, data, "SKEWATCH_HTTP=")
	if n, err := server.ReadNotice(data); err != nil || n.URL != "" || n.PID != os.Getpid() {
		t.Errorf("the notice is %+v, %v, want no URL", n, err)
	}
}

func TestOpenFails(t *testing.T) {
	t.Parallel()
	data, empty := t.TempDir(), t.TempDir()
	s := servertest.Start(t, data)
	for _, tt := range []struct{ field, data, setting string }{
		{"data", data, ""},
		{"http", empty, "SKEWATCH_HTTP=" + s.URL.Host},
	} {
		other, err := server.Open(servertest.Config(t, tt.data, tt.setting), logrus.New())
		var bad *config.Error
		if !errors.As(err, &bad) || bad.Field != tt.field || bad.Hint == "" {
			t.Errorf("with another server's %s Open returns %v, %v, want an error about it, with a remedy", tt.field, other, err)
		}
	}
	if files, err := server.OpenFiles(empty, logrus.New()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the files of a server that didn't start are %+v, %v, want %v", files, err, fs.ErrNotExist)
	}
	if err := s.Stop(); err != nil {
		t.Errorf("the server that was there first ends with %v", err)
	}
}

// TestNotifiesSystemd listens as systemd does, on a socket with a path and on an
// abstract one.
func TestNotifiesSystemd(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("systemd is Linux's")
	}
	for _, address := range []string{filepath.Join(t.TempDir(), "notify"), fmt.Sprintf("@skewatch-test-%d", os.Getpid())} {
		c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv("NOTIFY_SOCKET", address)
		s := servertest.Start(t, t.TempDir())
		got := make([]byte, 64)
		if err := c.SetReadDeadline(time.Now().Add(servertest.Patience)); err != nil {
			t.Fatal(err)
		}
		n, err := c.Read(got)
		if err != nil || string(got[:n]) != "READY=1" {
			t.Errorf("%s: the service manager is told %q, %v, want READY=1", address, got[:n], err)
		}
		if err := errors.Join(s.Stop(), c.Close()); err != nil {
			t.Error(err)
		}
	}
}

// TestReceives sends over both transports and asks at once: what was received before
// the question is in the answer.
func TestReceives(t *testing.T) {
	s := servertest.Start(t, t.TempDir())
	conn, err := net.Dial("udp", s.UDP)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprint(conn, inTime("Web1", "by datagram")); err != nil {
		t.Fatal(err)
	}
	s.Send(t, inTime("web2", "by stream"), "no header at all")
	servertest.Eventually(t, func() error {
		r, err := s.Report(t.Context(), api.ReportQuery{})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(r.Hosts); n != 3 {
			return fmt.Errorf("%d rows, want 3", n)
		}
		return nil
	})
	tests := []struct {
		host string
		want string
	}{
		{"web*", "by datagram|by stream"},
		{"web2", "by stream"},
		{"127.0.0.?", "no header at all"},
		{"nobody", ""},
	}
	for _, tt := range tests {
		texts := stored(t, s, api.Query{Host: tt.host})
		if len(texts) == 2 && texts[0] > texts[1] { // the transports race
			texts[0], texts[1] = texts[1], texts[0]
		}
		if have := strings.Join(texts, "|"); have != tt.want {
			t.Errorf("%s: %q is stored, want %q", tt.host, have, tt.want)
		}
	}
	if after := stored(t, s, api.Query{After: 3}); len(after) != 0 {
		t.Errorf("after the last message come %q", after)
	}
}

// TestUnusedTLSFiles starts a server that speaks no TLS: it does without the files.
func TestUnusedTLSFiles(t *testing.T) {
	data := t.TempDir()
	missing := filepath.Join(data, "missing.pem")
	servertest.Start(t, data, "SKEWATCH_TLS_CERT="+missing, "SKEWATCH_TLS_KEY="+missing)
}

// TestAccount sends in two runs: the second accounts for what it has received itself.
func TestAccount(t *testing.T) {
	data := t.TempDir()
	for run, messages := range []int{3, 2} {
		s := servertest.Start(t, data)
		for range messages {
			s.Send(t, inTime("web1", "counted"))
		}
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			fmt.Sprintf("received=%d ", messages), fmt.Sprintf("stored=%d ", messages), fmt.Sprintf("newest_message=%d ", 3+2*run),
		} {
			if !strings.Contains(s.Log(), want) {
				t.Errorf("run %d doesn't log %q:\n%s", run, want, s.Log())
			}
		}
	}
}

// TestFollowUntil follows up to a moment that comes.
func TestFollowUntil(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, t.TempDir())
	s.Send(t, inTime("web1", "before"))
	until := time.Now().Add(500 * time.Millisecond)
	texts := stored(t, s, api.Query{Follow: true, Until: until})
	if len(texts) != 1 || time.Now().Before(until) {
		t.Errorf("up to %v come %q, and it is %v", until, texts, time.Now())
	}
	if texts := stored(t, s, api.Query{Follow: true, Until: until}); len(texts) != 1 {
		t.Errorf("up to a time in the past come %q, want 1 message", texts)
	}
}
