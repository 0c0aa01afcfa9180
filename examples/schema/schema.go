// Package schema has the JSON schemas of what skewatch writes.
package schema

import _ "embed"

// Report is the schema of a report in JSON.
//
//go:embed report.schema.json
var Report []byte
