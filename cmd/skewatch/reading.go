package main

import (
	"cmp"
	"io"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/cmd/internal/client"
	"github.com/skewatch/skewatch/cmd/internal/config"
)

// reading holds the flags that every reading command takes.
type reading struct {
	server  string
	data    string
	proof   client.Proof
	format  *choice
	since   string
	until   string
	host    string
	noColor bool
	clock   *choice // "sent" where the period is one of times that messages bear; nil for receipt
}

// A request is what a reading command is asked for.
type request struct {
	Server *url.URL // the running server to ask; nil for the one in Data, or the local one
	Data   string   // the data directory to read; "" if not said
	Proof  client.Proof
	Format string
	Period period
	Host   string // a glob over host names, in lower case; "" for all
	Color  bool   // colour the output
}

// addReading declares the flags of a command that asks a server, or the files of one.
// The first of the formats is the default.
func addReading(cmd *cobra.Command, formats ...string) *reading {
	r := addSelection(cmd, formats...)
	r.addPlace(cmd)
	return r
}

// addPlace declares only the flags that say whom to ask, and the format.
func addPlace(cmd *cobra.Command, formats ...string) *reading {
	r := &reading{format: addFormat(cmd, formats...)}
	r.addPlace(cmd)
	return r
}

func (r *reading) addPlace(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&r.server, "server", "", "ask the server at this `URL` (default: the local one)")
	flags.StringVar(&r.data, "data", "", "ask the server that runs on this `DIR`, or read the files there when none runs")
	flags.StringVar(&r.proof.Token, "token-file", "", "show the server the token in this `FILE`")
	flags.StringVar(&r.proof.CA, "ca", "", "trust servers whose certificate one of the CAs in this `FILE` (PEM) has signed (default: the system's)")
}

// addSelection declares the flags of every reading command, wherever it reads.
func addSelection(cmd *cobra.Command, formats ...string) *reading {
	r := &reading{format: addFormat(cmd, formats...)}
	flags := cmd.Flags()
	flags.StringVar(&r.since, "since", "", "begin at this `TIME`: RFC 3339, or back from now, such as 24h or 7d")
	flags.StringVar(&r.until, "until", "", "end before this `TIME`")
	flags.StringVar(&r.host, "host", "", "only hosts whose names match this `GLOB`, such as 'web*'")
	flags.BoolVar(&r.noColor, "no-color", false, "don't colour the output")
	return r
}

// request checks the flags and the environment and returns what they ask for.
func (r *reading) request(p *program) (request, error) {
	q, err := r.selection(p)
	if sent := r.clock != nil && r.clock.chosen == "sent"; err == nil && !sent { // clocks that are ahead write times to come
		err = q.Period.begun(r.since, p.now())
	}
	if err == nil {
		err = r.place(&q, p)
	}
	return q, err
}

// selection checks the flags that addSelection declares and returns what they ask for.
func (r *reading) selection(p *program) (request, error) {
	q := request{Format: r.format.chosen, Host: strings.ToLower(r.host), Color: !r.noColor && p.colorful()}
	if _, err := path.Match(q.Host, ""); err != nil {
		return request{}, &config.Error{Field: "--host", Problem: "not a name pattern", Value: r.host,
			Hint: `write a name with * and ? for any part, such as "web*"`}
	}
	var err error
	q.Period, err = parsePeriod(r.since, r.until, p.now())
	return q, err
}

// place settles whom to ask. A flag wins over both variables, and SKEWATCH_SERVER
// over SKEWATCH_DATA, which the server itself reads too.
func (r *reading) place(q *request, p *program) (err error) {
	q.Proof = client.Proof{Token: cmp.Or(r.proof.Token, p.variable("token-file")), CA: cmp.Or(r.proof.CA, p.variable("ca"))}
	switch {
	case r.server != "" && r.data != "":
		return &config.Error{Field: "--data", Problem: "can't stand beside --server", Value: r.data,
			Hint: "write one of the two: they may name different servers"}
	case r.server != "":
		q.Server, err = parseServer("--server", r.server)
	case r.data != "":
		q.Data = r.data
	case p.variable("server") != "":
		q.Server, err = parseServer(config.EnvName("server"), p.variable("server"))
	default:
		q.Data = p.variable("data")
	}
	return err
}

// parseServer reads the base URL of a server. Field is named in the error.
func parseServer(field, text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(text, "/"))
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.RawQuery == "" && u.Fragment == "" {
		return u, nil
	}
	hint := `write one such as "http://127.0.0.1:8514"`
	if !strings.Contains(text, "/") && strings.Contains(text, ":") {
		hint = `write "http://` + text + `"`
	}
	return nil, &config.Error{Field: field, Problem: "not the URL of a server", Value: text, Hint: hint}
}

// colorful reports whether stdout shows colours and its owner wants them: it is a
// terminal that can, and NO_COLOR is not set (no-color.org).
func (p *program) colorful() bool {
	if p.lookup("NO_COLOR") != "" || p.lookup("TERM") == "dumb" {
		return false
	}
	return isTerminal(p.stdout)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// variable returns the value of the environment variable that stands for a flag,
// "" if it isn't set.
func (p *program) variable(flag string) string { return p.lookup(config.EnvName(flag)) }

// lookup returns the value of an environment variable, "" if it isn't set.
func (p *program) lookup(name string) string {
	for _, variable := range slices.Backward(p.environ) {
		if key, value, _ := strings.Cut(variable, "="); key == name {
			return value
		}
	}
	return ""
}
