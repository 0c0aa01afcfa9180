package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Formats are those that a report can be written in, by Write.
var Formats = []string{"table", "json", "csv", "md", "html"}

// Write writes the report in one of the Formats.
func (r *Report) Write(w io.Writer, format string) error {
	switch format {
	case "table":
		return r.WriteTable(w)
	case "json":
		return r.WriteJSON(w)
	case "csv":
		return r.WriteCSV(w)
	case "md":
		return r.WriteMarkdown(w)
	case "html":
		return r.WriteHTML(w)
	}
	return fmt.Errorf("report: unknown format %q", format)
}

// WriteJSON writes the report as one JSON object, indented.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// WriteCSV writes the rows as CSV, quoted as in RFC 4180 and each ended by a line
// feed: first the names of the columns, which are those of the JSON, then a row a
// host. Arrays stand as JSON in one cell, what is unknown as an empty one. No text becomes
// a formula in a spreadsheet: see Inert.
func (r *Report) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	if err := c.Write(columns()); err != nil {
		return err
	}
	for i := range r.Hosts {
		cells, err := cellsOf(&r.Hosts[i])
		if err != nil {
			return err
		}
		if err := c.Write(cells); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// columns returns the JSON names of a row's fields.
func columns() []string {
	t := reflect.TypeFor[Row]()
	names := make([]string, t.NumField())
	for i := range names {
		names[i], _, _ = strings.Cut(t.Field(i).Tag.Get("json"), ",")
	}
	return names
}

func cellsOf(r *Row) ([]string, error) {
	v := reflect.ValueOf(r).Elem()
	cells := make([]string, v.NumField())
	for i := range cells {
		cell, err := cellOf(v.Field(i).Interface())
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", columns()[i], err)
		}
		cells[i] = Inert(cell)
	}
	return cells, nil
}

func cellOf(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case uint64:
		return strconv.FormatUint(v, 10), nil
	case float64:
		return formatFloat(v), nil
	case *float64:
		if v == nil {
			return "", nil
		}
		return formatFloat(*v), nil
	case *string:
		if v == nil {
			return "", nil
		}
		return *v, nil
	case *time.Time:
		if v == nil {
			return "", nil
		}
		return v.Format(time.RFC3339Nano), nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}

// Inert returns a text as a cell of CSV that no spreadsheet takes for a formula: what begins
// like one gets an apostrophe before it, and so does what would begin a cell where
// semicolons or tabs end it. Numbers and zones, such as -3.2 and +01:00, stay as they are.
// A host may call itself "=cmd|' /C calc'!A0".
func Inert(text string) string {
	if !strings.ContainsAny(text, "=+-@＝＋－＠\t\r") || strings.Trim(text, "+-0123456789:.") == "" && strings.LastIndexAny(text, "+-") == 0 {
		return text
	}
	return formula.ReplaceAllString(text, "$1'$2")
}

// formula matches where a spreadsheet may see a formula begin.
var formula = regexp.MustCompile("(^|[;\t\r\n])([=+\\-@＝＋－＠\t\r])")

func formatFloat(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
