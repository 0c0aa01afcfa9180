package web_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/cmd/internal/server/servertest"
)

// order sends what is to be done. Headers are pairs of names and values.
func order(t *testing.T, s *servertest.Server, method, path, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL.String()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

const asJSON = "application/json"

// TestOrders wants what can't be done to be refused, and nothing to come of it.
func TestOrders(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, t.TempDir())
	const good = `{"host":"web*","for_seconds":3600,"author":"anna"}`
	past := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	tests := []struct {
		method, path, body string
		header             []string
		status             int
		says               string
	}{
		{"POST", api.PathSilences, good, nil, 415, `Content-Type: neither application/json nor a form`},
		{"POST", api.PathSilences, good, []string{"Content-Type", "text/plain"}, 415, "Content-Type"},
		{"POST", api.PathSilences, good, []string{"Content-Type", asJSON, "Origin", "http://evil.example.net"}, 403, "cross-origin request detected"},
		{"POST", api.PathSilences, good, []string{"Content-Type", asJSON, "Sec-Fetch-Site", "cross-site"}, 403, "cross-origin request detected"},
		{"DELETE", api.PathSilences + "/1?author=anna", "", []string{"Sec-Fetch-Site", "same-site"}, 403, "cross-origin request detected"},
		{"PUT", api.PathSilences, good, []string{"Content-Type", asJSON}, 405, "no such method here: PUT"},
		{"GET", api.PathSilences + "/1", "", nil, 405, "no such method here: GET"},
		{"POST", api.PathWarnings, good, []string{"Content-Type", asJSON}, 405, "no such method here: POST"},
		{"POST", api.PathSilences, ``, []string{"Content-Type", asJSON}, 400, "the body isn't the JSON object"},
		{"POST", api.PathSilences, good + good, []string{"Content-Type", asJSON}, 400, "the body isn't the JSON object that is asked for: something follows it"},
		{"POST", api.PathSilences, `{"hosts":"x"}`, []string{"Content-Type", asJSON}, 400, "the body isn't the JSON object"},
		{"POST", api.PathSilences, `{"host":"` + strings.Repeat("x", api.MostBody) + `"}`, []string{"Content-Type", asJSON}, 413, "the body is longer than 65536 bytes"},
		{"POST", api.PathSilences, `{"host":"[","for_seconds":1,"author":"a"}`, []string{"Content-Type", asJSON}, 400, `host: not a name pattern such as "web*" (got "[")`},
		{"POST", api.PathSilences, `{"host":"` + strings.Repeat("x", 600) + `","for_seconds":1,"author":"a"}`, []string{"Content-Type", asJSON}, 400, "host: longer than 512 octets"},
		{"POST", api.PathSilences, `{"for_seconds":1,"author":"a"}`, []string{"Content-Type", asJSON}, 400, "host: not a name pattern"},
		{"POST", api.PathSilences, `{"host":"*","author":"a"}`, []string{"Content-Type", asJSON}, 400, "ends: missing"},
		{"POST", api.PathSilences, `{"host":"*","for_seconds":-1,"author":"a"}`, []string{"Content-Type", asJSON}, 400, "for_seconds: not a number"},
		{"POST", api.PathSilences, `{"host":"*","for_seconds":1e300,"author":"a"}`, []string{"Content-Type", asJSON}, 400, "for_seconds: not a number"},
		{"POST", api.PathSilences, `{"host":"*","ends":"` + past + `","author":"a"}`, []string{"Content-Type", asJSON}, 400, "ends: not in the future"},
		{"POST", api.PathSilences, `{"host":"*","ends":"9999-01-01T00:00:00Z","author":"a"}`, []string{"Content-Type", asJSON}, 400, "ends: more than a year away"},
		{"POST", api.PathSilences, `{"host":"*","begins":"0001-01-02T00:00:00Z","for_seconds":60,"author":"a"}`, []string{"Content-Type", asJSON}, 400, "ends: not in the future"},
		{"POST", api.PathSilences, `{"host":"*","for_seconds":1,"author":" "}`, []string{"Content-Type", asJSON}, 400, "author: missing"},
		{"POST", api.PathSilences, `{"host":"*","for_seconds":1,"author":"a","verdicts":["slow"]}`, []string{"Content-Type", asJSON}, 400, "verdicts: no such verdict: known are no-clock, "},
		{"POST", api.PathAcknowledgements, `{"host":"web1","author":"a"}`, []string{"Content-Type", asJSON}, 400, "comment: missing"},
		{"POST", api.PathAcknowledgements, `{"host":"web1","author":"a","comment":"c"}`, []string{"Content-Type", asJSON}, 404, "no such warning is open"},
		{"DELETE", api.PathSilences + "/7?author=a", "", nil, 404, "there is none with this number"},
		{"DELETE", api.PathSilences + "/x?author=a", "", nil, 404, "there is none with this number"},
		{"DELETE", api.PathAcknowledgements + "/7?author=a", "", nil, 404, "there is none with this number"},
		{"DELETE", api.PathSilences + "/7", "", nil, 400, "author: missing"},
		{"GET", api.PathSilences + "?host=x", "", nil, 400, "host: unknown parameter"},
		{"GET", api.PathWarnings + "?since=2026-03-01T12:00:00Z", "", nil, 400, "since: unknown parameter"},
	}
	for _, tt := range tests {
		status, body := order(t, s, tt.method, tt.path, tt.body, tt.header...)
		var f api.Failure
		if err := json.Unmarshal([]byte(body), &f); err != nil || status != tt.status || !strings.HasPrefix(f.Error, tt.says) {
			t.Errorf("%s %s %.60s %q: %d, %q, want %d, %q", tt.method, tt.path, tt.body, tt.header, status, body, tt.status, tt.says)
		}
	}
	for _, path := range []string{api.PathSilences, api.PathAcknowledgements} {
		if status, body := order(t, s, "GET", path+"?since=2026-03-01T12:00:00Z", ""); status != 200 || body != `{"mutes":[]}`+"\n" {
			t.Errorf("%s: %d, %q, want nothing", path, status, body)
		}
	}
}

// TestSilencesAtOnce makes and ends many at the same time, stops the server and asks again.
func TestSilencesAtOnce(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := servertest.Start(t, data, "SKEWATCH_WARN_HOLD=0s")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 3 {
				status, body := order(t, s, "POST", api.PathSilences, `{"host":"x*","for_seconds":3600,"author":"<b>\u001b[31manna","comment":"a\nb"}`, "Content-Type", asJSON+"; charset=utf-8")
				var m api.Mute
				if err := json.Unmarshal([]byte(body), &m); err != nil || status != 200 || m.Author != `<b>\x1b[31manna` || m.Comment != `a\nb` {
					t.Errorf("silence: %d, %s", status, body)
				}
				if m.ID%2 == 0 {
					continue
				}
				if status, body := order(t, s, "DELETE", fmt.Sprintf("%s/%d?author=bob", api.PathSilences, m.ID), ""); status != 200 || !strings.Contains(body, `"state":"ended"`) {
					t.Errorf("end: %d, %s", status, body)
				}
			}
		})
	}
	all.Wait()
	check := func(query string, want int) {
		t.Helper()
		var m api.Mutes
		_, body := order(t, s, "GET", api.PathSilences+query, "")
		if err := json.Unmarshal([]byte(body), &m); err != nil || len(m.Mutes) != want {
			t.Errorf("silences%s: %s, %v, want %d", query, body, err, want)
		}
	}
	since := "?since=" + time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	for range 2 {
		check("", 12)
		check(since, 24)
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		s = servertest.Start(t, data)
	}
}
