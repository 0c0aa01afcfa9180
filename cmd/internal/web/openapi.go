package web

import (
	_ "embed"
	"net/http"

	"github.com/skewatch/skewatch/examples/schema"
)

// Where the API describes itself.
const (
	pathOpenAPI      = "/api/v1/openapi.yaml"
	pathReportSchema = "/api/v1/report.schema.json" // openapi.yaml refers to it
)

//go:embed openapi.yaml
var openAPI []byte

// document answers with a text of ours.
func document(kind string, text []byte) handler {
	return func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(text) // nobody is left to tell
		return nil
	}
}

var (
	describe       = document("application/yaml", openAPI)
	describeReport = document("application/schema+json", schema.Report)
)
