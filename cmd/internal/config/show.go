package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// A row is one setting in effect.
type row struct {
	key    string
	texts  []string
	many   bool
	origin origin
}

// rows returns the settings in effect, in the order of declaration.
func (c *Config) rows() []row {
	var rows []row
	for _, s := range c.settings() {
		if s.binding != nil && !(s.rare && slices.Equal(s.texts(), s.preset)) {
			rows = append(rows, row{s.key, s.texts(), s.many(), c.origins[s.key]})
		}
	}
	for _, table := range slices.Concat(c.hostSettings(), c.notifySettings(), c.forwardSettings(), c.reportSettings()) {
		for _, s := range table {
			if origin, given := c.origins[s.key]; given {
				rows = append(rows, row{s.key, s.texts(), s.many(), origin})
			}
		}
	}
	return rows
}

// Hash returns the first 12 hexadecimal digits of the SHA-256 of the settings in
// effect, as WriteYAML writes them without comments. Where they came from makes no
// difference.
func (c *Config) Hash() string {
	sum := sha256.New()
	for _, l := range c.lines() {
		fmt.Fprintln(sum, l.text)
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
}

// WriteYAML writes the settings in effect as a configuration file, each with a
// comment that says where its value came from. Loaded again, it gives the same
// Config.
func (c *Config) WriteYAML(w io.Writer) error {
	lines := c.lines()
	width := 0
	for _, l := range lines {
		width = max(width, len(l.text))
	}
	var b bytes.Buffer
	for _, l := range lines {
		if l.comment == "" {
			fmt.Fprintln(&b, l.text)
			continue
		}
		fmt.Fprintf(&b, "%-*s  # %s\n", width, l.text, l.comment)
	}
	_, err := b.WriteTo(w)
	return err
}

// A line is one of a configuration file.
type line struct{ text, comment string }

// lines returns the settings in effect in their canonical form.
func (c *Config) lines() []line {
	var lines []line
	open := "" // the section that the last line belongs to
	for _, r := range c.rows() {
		section, name, nested := strings.Cut(r.key, ".")
		if !nested {
			section, name = "", r.key
		}
		if list, _, _ := strings.Cut(section, "["); list != "" && !strings.HasPrefix(open, list) {
			lines = append(lines, line{text: list + ":"})
		}
		lines = append(lines, r.lines(indent(section, open), name)...)
		open = section
	}
	return lines
}

// indent returns what stands before the name of a setting in a section, when
// the line before belongs to the section open.
func indent(section, open string) string {
	switch {
	case section == "":
		return ""
	case !strings.HasSuffix(section, "]"):
		return "  "
	case section != open:
		return "  - "
	}
	return "    "
}

// lines returns the setting alone. A list has a line for each value.
func (r row) lines(indent, name string) []line {
	from := r.origin.String()
	switch {
	case !r.many:
		return []line{{indent + name + ": " + quote(r.texts[0]), from}}
	case len(r.texts) == 0:
		return []line{{indent + name + ": []", from}}
	}
	lines := []line{{text: indent + name + ":"}}
	for _, text := range r.texts {
		lines = append(lines, line{indent + "  - " + quote(text), from})
	}
	return lines
}

// quote writes text as a YAML scalar, in quotes if it would be read as something
// else without.
func quote(text string) string {
	if _, err := strconv.ParseUint(text, 10, 32); err == nil {
		return text // a number is read as it is written
	}
	plain, err := yaml.Marshal(text)
	if line := strings.TrimSuffix(string(plain), "\n"); err == nil && !strings.ContainsAny(line, "\n\t") {
		return line
	}
	return strconv.Quote(text)
}

// WriteJSON writes the settings in effect as one object: their hash, and for each
// setting its key, its value (a string or a list of strings) and where that came
// from.
func (c *Config) WriteJSON(w io.Writer) error {
	type entry struct {
		Key   string `json:"key"`
		Value any    `json:"value"`
		From  string `json:"from"`
	}
	shown := struct {
		Hash     string  `json:"hash"`
		Settings []entry `json:"settings"`
	}{Hash: c.Hash()}
	for _, r := range c.rows() {
		value := any(r.texts)
		if !r.many {
			value = r.texts[0]
		}
		shown.Settings = append(shown.Settings, entry{r.key, value, r.origin.String()})
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(shown); err != nil {
		return fmt.Errorf("encoding the configuration: %w", err)
	}
	_, err := b.WriteTo(w)
	return err
}
