package web_test

import (
	"bytes"
	"context"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/skewatch/skewatch/cmd/internal/server/servertest"
)

// A description is openapi.yaml as a running server gives it, and its schemas.
type description struct {
	doc     *openapi3.T
	schemas *jsonschema.Compiler
}

// askDescription asks for the description and for what it refers to.
func askDescription(t *testing.T, s *servertest.Server) *description {
	t.Helper()
	_, text := ask(t, s, "GET", "/api/v1/openapi.yaml", "")
	_, report := ask(t, s, "GET", "/api/v1/report.schema.json", "")
	doc, err := openapi3.NewLoader().LoadFromData([]byte(strings.ReplaceAll(text, "$ref: report.schema.json", "type: object")))
	if err != nil {
		t.Fatal(err)
	}
	d := &description{doc, jsonschema.NewCompiler()}
	d.schemas.AssertFormat()
	inJSON, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"openapi.yaml": inJSON, "report.schema.json": []byte(report)} {
		resource, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := d.schemas.AddResource("http://server/api/v1/"+name, resource); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return d
}

// check holds an answer against what is described for its path, status and type.
func (d *description) check(t *testing.T, path string, res *http.Response, body string) error {
	t.Helper()
	op := d.doc.Paths.Find(path).GetOperation(res.Request.Method)
	status := fmt.Sprint(res.StatusCode)
	answer := op.Responses.Value(status)
	pointer := "/responses/" + status
	if answer == nil {
		answer, pointer = op.Responses.Default(), "/responses/default"
	}
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil || answer.Value.Content[kind] == nil {
		return fmt.Errorf("the type is %q (%v), which isn't described for %s", kind, err, status)
	}
	base := "#/paths/" + escape(path) + "/get" + pointer
	if answer.Ref != "" {
		base = answer.Ref
	}
	s, err := d.schemas.Compile("http://server/api/v1/openapi.yaml" + base + "/content/" + escape(kind) + "/schema")
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{body}
	if kind == "application/x-ndjson" {
		lines = strings.Split(strings.TrimSpace(body), "\n")
	}
	for _, line := range lines {
		instance, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err == nil {
			err = s.Validate(instance)
		}
		if err != nil {
			return fmt.Errorf("%s\n%w", line, err)
		}
	}
	return nil
}

// escape writes a part of a path as one of a JSON pointer.
func escape(part string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(part) }

// TestAnswersAreAsDescribed holds the answers of a running server against the schemas.
func TestAnswersAreAsDescribed(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, t.TempDir(), "SKEWATCH_WARN_HOLD=0s", "SKEWATCH_NTP_SERVER=127.0.0.1:1")
	d := askDescription(t, s)
	s.Send(t, "<14>Mar  1 12:00:00 old app: without year", "<14>1 - nostamp app - - - x", "nothing of all that")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go feed(ctx, s.TCP)
	servertest.Eventually(t, func() error {
		if _, body := ask(t, s, "GET", "/api/v1/events", ""); !strings.Contains(body, `"raise"`) {
			return fmt.Errorf("no clock is warned of yet: %s", body)
		}
		return nil
	})
	since := "since=" + time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	for _, tt := range []struct {
		path, query string
		status      int
		has         string
	}{
		{"/api/v1/report", "", 200, `"verdict":"ahead"`},
		{"/api/v1/report", "?series=true&profile=mine&warn_seconds=0.5&crit_seconds=2&" + since, 200, `"profile"`},
		{"/api/v1/report", "?sign=html", 200, `"signed"`},
		{"/api/v1/report", "?host=nobody", 200, `"hosts":[]`},
		{"/api/v1/report", "?sign=pdf", 400, "sign: not a report's format"},
		{"/api/v1/sources", "", 200, `"state":"unreachable"`},
		{"/api/v1/events", "?after=0", 200, `"raise"`},
		{"/api/v1/events", "?grep=x", 400, "grep: unknown parameter"},
		{"/api/v1/messages", "?raw=true&progress=true", 200, `"raw"`},
		{"/api/v1/messages", "?progress=true&clock=sent&" + since, 200, `"sent"`},
		{"/api/v1/messages", "?grep=(", 400, "grep: not a regular expression"},
		{"/api/v1/verify", "?progress=true", 200, `"verified"`},
		{"/api/v1/verify", "?keys=x&keys=y", 400, "keys: given more than once"},
	} {
		res, body := ask(t, s, "GET", tt.path+tt.query, "")
		if res.StatusCode != tt.status || !strings.Contains(body, tt.has) {
			t.Errorf("%s%s: %d %.300s, want %d and %s", tt.path, tt.query, res.StatusCode, body, tt.status, tt.has)
		}
		if err := d.check(t, tt.path, res, body); err != nil {
			t.Errorf("%s%s: %v", tt.path, tt.query, err)
		}
	}
	for _, wrong := range []string{`{"error":1}`, `{"errors":"x"}`, `{}`} { // the schemas refuse something
		res, _ := ask(t, s, "GET", "/api/v1/report?x=1", "")
		if d.check(t, "/api/v1/report", res, wrong) == nil {
			t.Errorf("%s passes as an error", wrong)
		}
	}
}
