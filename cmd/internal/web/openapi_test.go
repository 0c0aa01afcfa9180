package web

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/cmd/internal/api"
	"github.com/skewatch/skewatch/examples/schema"
)

// loadOpenAPI reads the API's description, and what it refers to as a client would find it.
func loadOpenAPI(t *testing.T) *openapi3.T {
	t.Helper()
	loader := openapi3.NewLoader()
	loader.IsExternalRefsAllowed = true
	loader.ReadFromURIFunc = func(_ *openapi3.Loader, at *url.URL) ([]byte, error) {
		if at.Path == pathReportSchema {
			return schema.Report, nil
		}
		return openAPI, nil
	}
	doc, err := loader.LoadFromURI(&url.URL{Path: pathOpenAPI})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestOpenAPIIsValid(t *testing.T) {
	doc := loadOpenAPI(t)
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	doc.Paths.Find(api.PathReport).Get.Parameters[0].Value.In = "nowhere"
	if doc.Validate(t.Context()) == nil {
		t.Error("a parameter that stands nowhere passes")
	}
}

// TestOpenAPIDescribesRoutes wants each path of the API to be described, and none else.
func TestOpenAPIDescribesRoutes(t *testing.T) {
	s := NewServer(teller{}, http.NotFoundHandler(), logrus.New())
	have := map[string]bool{pathLogin: true, pathLogout: true} // which the gate answers
	for pattern := range s.routes() {
		path := pattern[strings.IndexByte(pattern, '/'):] // a method may stand before it
		if path == "/metrics" || path != "/api/" && strings.HasPrefix(path, "/api/") {
			have[path] = true
		}
	}
	described := loadOpenAPI(t).Paths.Map()
	for path := range have {
		if described[path] == nil {
			t.Errorf("%s is answered and not described", path)
		}
	}
	for path := range described {
		if !have[path] {
			t.Errorf("%s is described and not answered", path)
		}
	}
}

// TestOpenAPIDescribesParameters holds the parameters against those that the strict parsers
// name when they meet another one.
func TestOpenAPIDescribesParameters(t *testing.T) {
	doc := loadOpenAPI(t)
	const unknown = "zz"
	parse := map[string]func(url.Values) error{
		api.PathReport:           func(v url.Values) error { _, err := api.ParseReportQuery(v); return err },
		api.PathClocks:           func(v url.Values) error { _, err := api.ParseClocksQuery(v); return err },
		api.PathReference:        func(v url.Values) error { _, err := api.ParseReferenceQuery(v); return err },
		api.PathEvents:           func(v url.Values) error { _, err := api.ParseEventQuery(v); return err },
		api.PathMessages:         func(v url.Values) error { _, err := api.ParseQuery(v); return err },
		api.PathTimeline:         func(v url.Values) error { _, err := api.ParseTimelineQuery(v); return err },
		api.PathWarnings:         func(v url.Values) error { _, err := api.ParseWarningQuery(v); return err },
		api.PathSilences:         func(v url.Values) error { _, err := api.ParseMuteQuery(analysis.Silence, v); return err },
		api.PathAcknowledgements: func(v url.Values) error { _, err := api.ParseMuteQuery(analysis.Acknowledgement, v); return err },
		api.PathVerify:           func(v url.Values) error { _, err := api.ParseVerifyQuery(v); return err },
	}
	for path, item := range doc.Paths.Map() {
		var described []string
		if item.Get != nil {
			for _, p := range item.Get.Parameters {
				described = append(described, p.Value.Name)
			}
		}
		if parse[path] == nil {
			if len(described) > 0 && path != pathLogin {
				t.Errorf("%s: parameters %v are described, and this test knows no parser", path, described)
			}
			continue
		}
		asked := url.Values{unknown: {"1"}}
		if slices.Contains(described, "around") { // likewise
			asked = url.Values{unknown: {"1"}, "around": {"1"}, "span_seconds": {"1"}}
		}
		if slices.Contains(described, "profile") { // which others go with
			asked = url.Values{unknown: {"1"}, "profile": {"x"}, "warn_seconds": {"1"}, "crit_seconds": {"5"}}
		}
		err := parse[path](asked)
		if err == nil || !strings.HasPrefix(err.Error(), unknown+": unknown parameter: known are ") {
			t.Fatalf("%s: %v", path, err)
		}
		list, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), unknown+": unknown parameter: known are "), " (got")
		known := strings.Split(list, ", ")
		slices.Sort(known)
		known = slices.Compact(known)
		slices.Sort(described)
		if !slices.Equal(known, described) {
			t.Errorf("%s: the parameters %v are described, and %v are known", path, described, known)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(parse)) {
		if doc.Paths.Value(path) == nil {
			t.Errorf("%s isn't described", path)
		}
	}
}
