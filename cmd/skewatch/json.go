package main

import (
	"encoding/json"
	"io"
)

// jsonLines returns what writes values as JSON, each on a line of its own. It is for people
// and programs and not for pages: a "<" stays one.
func jsonLines(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}

// writeIndented writes one value as JSON that people can read.
func writeIndented(w io.Writer, v any) error {
	e := jsonLines(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
