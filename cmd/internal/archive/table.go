package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// A table reads CSV as RFC 4180 has it. Lines may end in LF alone.
type table struct {
	lines   *lines
	columns []int // the field in each column
	cells   [][]byte

	// Of a line with quotation marks: the text of its cells, without marks and commas,
	// and where each but the last ends.
	text []byte
	ends []int
}

// newTable reads the header of a table.
func newTable(l *lines) (*table, error) {
	t := &table{lines: l}
	cells, _, err := t.split()
	var bad *LineError
	if errors.As(err, &bad) {
		return nil, &HeaderError{"line 1: " + bad.Error(), headerHint}
	}
	if err != nil {
		return nil, err
	}
	var seen [len(fields{})]bool
	for _, cell := range cells {
		field := fieldNamed(bytes.TrimSpace(cell))
		if field != noField && seen[field] {
			return nil, &HeaderError{fmt.Sprintf("line 1: two columns are named %s", fieldNames[field]), headerHint}
		}
		t.columns = append(t.columns, field)
		if field != noField {
			seen[field] = true
		}
	}
	for _, field := range [...]int{fieldHost, fieldSent, fieldReceived} {
		if !seen[field] {
			return nil, &HeaderError{fmt.Sprintf("line 1: no column is named %s (got %q)", fieldNames[field],
				clip(bytes.Join(cells, []byte(",")))), headerHint}
		}
	}
	return t, nil
}

const headerHint = `let the first line name the columns, such as "host,sent,received"`

func (t *table) next() (e entry, number int64, err error) {
	cells, number, err := t.split()
	if err != nil {
		return e, number, err
	}
	if len(cells) != len(t.columns) {
		return e, number, &LineError{Number: number, Problem: fmt.Sprintf("has %d columns, and the first line %d", len(cells), len(t.columns))}
	}
	for i, field := range t.columns {
		if field != noField {
			e.fields[field] = cells[i]
		}
	}
	return e, number, nil
}

// split reads a line, and further ones while a quotation is open, and returns its
// cells. Empty lines are passed over.
func (t *table) split() (cells [][]byte, number int64, err error) {
	line, err := t.lines.next()
	for err == nil && len(line) == 0 {
		line, err = t.lines.next()
	}
	number = t.lines.number
	if err != nil {
		return nil, number, err
	}
	if bytes.IndexByte(line, '"') < 0 {
		return t.plain(line), number, nil
	}
	cells, err = t.quoted(line, number)
	return cells, number, err
}

// plain splits a line without quotation marks.
func (t *table) plain(line []byte) [][]byte {
	t.cells = t.cells[:0]
	for {
		end := bytes.IndexByte(line, ',')
		if end < 0 {
			t.cells = append(t.cells, line)
			return t.cells
		}
		t.cells = append(t.cells, line[:end])
		line = line[end+1:]
	}
}

// The states of a scan through a line with quotation marks.
const (
	atCell  = iota // at the first byte of a cell
	inPlain        // in a cell that isn't quoted: a mark is a byte like any other
	inQuotation
	behindMark // behind a mark in a quotation: its end, or the first of two that stand for one
)

// quoted splits a line with quotation marks, and reads those that a quotation goes on
// in.
func (t *table) quoted(line []byte, number int64) ([][]byte, error) {
	t.text, t.ends = t.text[:0], t.ends[:0]
	for state := atCell; ; {
		state = t.scan(line, state)
		if state != inQuotation {
			break
		}
		t.text = append(t.text, '\n')
		if len(t.text) > maxLine {
			return nil, &LineError{Number: number, Problem: fmt.Sprintf("a quotation is longer than %d bytes", maxLine)}
		}
		var err error
		if line, err = t.lines.next(); err != nil {
			return nil, openQuotation(err, number)
		}
	}
	return t.cut(), nil
}

func openQuotation(err error, number int64) error {
	var long *LineError
	if errors.Is(err, io.EOF) || errors.As(err, &long) {
		return &LineError{Number: number, Problem: "a quotation doesn't end"}
	}
	return err
}

// scan takes a line into the text of the cells and returns the state at its end.
func (t *table) scan(line []byte, state int) int {
	for _, c := range line {
		switch {
		case state == inQuotation && c == '"':
			state = behindMark
			continue
		case state == inQuotation:
		case c == ',':
			t.ends = append(t.ends, len(t.text))
			state = atCell
			continue
		case state == atCell && c == '"':
			state = inQuotation
			continue
		case state == behindMark && c == '"':
			state = inQuotation
		default:
			state = inPlain
		}
		t.text = append(t.text, c)
	}
	return state
}

// cut returns the cells of the text.
func (t *table) cut() [][]byte {
	t.cells = t.cells[:0]
	begin := 0
	for _, end := range append(t.ends, len(t.text)) {
		t.cells = append(t.cells, t.text[begin:end])
		begin = end
	}
	return t.cells
}
