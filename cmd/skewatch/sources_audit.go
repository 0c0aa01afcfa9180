package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"

	"github.com/skewatch/skewatch/analysis/report"
	"github.com/skewatch/skewatch/ntpcheck"
)

// An audited is a server and what it tells a stranger.
type audited struct {
	Address string        `json:"address"`
	Monlist auditedAnswer `json:"monlist"`
	Readvar auditedAnswer `json:"readvar"`
	Reason  string        `json:"reason"` // why it couldn't be asked
	Remedy  string        `json:"remedy"` // "" if nothing needs to be changed
}

type auditedAnswer struct {
	Answers  bool    `json:"answers"`
	Refused  bool    `json:"refused"` // it said that it won't
	Asked    int     `json:"asked_octets"`
	Answered int     `json:"answered_octets"`
	Packets  int     `json:"packets"`
	Factor   float64 `json:"amplification"`
}

// The remedies. ntpsec knows the same lines; chronyd has neither mode.
const (
	remedyMonlist = "in ntp.conf write `disable monitor` and `restrict default kod limited nomodify notrap nopeer noquery`, or update: " +
		"ntpd since 4.2.7p26 has no monlist"
	remedyReadvar = "in ntp.conf write `restrict default kod limited nomodify notrap nopeer noquery`, and let in by `restrict ADDRESS` who may ask; " +
		"chronyd answers neither, and shows its state only to whom `cmdallow` names"
)

// auditSources asks every configured server, all at once.
func auditSources(ctx context.Context, s *ntpcheck.Status) []audited {
	results := make([]audited, len(s.Sources))
	var wg sync.WaitGroup
	for i := range s.Sources {
		wg.Go(func() { results[i] = audit(ctx, &s.Sources[i]) })
	}
	wg.Wait()
	return results
}

// verdictOf is an exit code if a server answers strangers.
func verdictOf(results []audited) error {
	for _, a := range results {
		if a.Monlist.Answers || a.Readvar.Answers {
			return exitCode(exitFailed)
		}
	}
	return nil
}

func audit(ctx context.Context, s *ntpcheck.SourceStatus) audited {
	a := audited{Address: auditAddress(s)}
	e, err := ntpcheck.Audit(ctx, a.Address)
	if err != nil {
		a.Reason = err.Error()
	}
	a.Monlist, a.Readvar = answerOf(e.Monlist), answerOf(e.Readvar)
	switch {
	case a.Monlist.Answers:
		a.Remedy = remedyMonlist
	case a.Readvar.Answers:
		a.Remedy = remedyReadvar
	}
	return a
}

// auditAddress is where a source serves the time. With NTS the address shown is the
// key exchange's, beside which the time is most often served on port 123.
func auditAddress(s *ntpcheck.SourceStatus) string {
	host, _, err := net.SplitHostPort(s.Address)
	if s.Authentication.Kind != "nts" || err != nil {
		return s.Address
	}
	return net.JoinHostPort(host, "123")
}

func answerOf(a ntpcheck.ControlAnswer) auditedAnswer {
	return auditedAnswer{Answers: a.Answers(), Refused: a.Refused, Asked: a.Asked, Answered: a.Octets, Packets: a.Packets, Factor: a.Factor()}
}

func writeAudit(w io.Writer, results []audited, format string) error {
	switch format {
	case "json":
		return writeIndented(w, results)
	case "csv":
		return auditCSV(w, results)
	}
	return auditTable(w, results)
}

func auditTable(w io.Writer, results []audited) error {
	b := bufio.NewWriter(w)
	if len(results) == 0 {
		fmt.Fprintln(b, "No NTP source is configured.")
	}
	for i := range results {
		a := &results[i]
		fmt.Fprint(b, report.Wrap("", a.Address))
		if a.Reason != "" {
			fmt.Fprint(b, report.Wrap("  ", "not asked: "+a.Reason))
			continue
		}
		fmt.Fprintf(b, "  monlist (mode 7)  %s\n  readvar (mode 6)  %s\n", a.Monlist, a.Readvar)
		if a.Remedy != "" {
			fmt.Fprint(b, report.Wrap("  ", "change: "+a.Remedy))
		}
	}
	return b.Flush()
}

// String says what a request brought, and its amplification: octets that came back
// for each that was sent.
func (a auditedAnswer) String() string {
	switch {
	case a.Answers:
		return fmt.Sprintf("ANSWERS strangers: %d octets for %d, amplification %.1f", a.Answered, a.Asked, a.Factor)
	case a.Refused:
		return fmt.Sprintf("refused, by %d octets for %d", a.Answered, a.Asked)
	}
	return "no answer"
}

func auditCSV(w io.Writer, results []audited) error {
	b := bufio.NewWriter(w)
	row := csvRows(b, "address", "monlist_answers", "monlist_asked_octets", "monlist_answered_octets", "monlist_amplification",
		"readvar_answers", "readvar_asked_octets", "readvar_answered_octets", "readvar_amplification", "reason", "remedy")
	for _, a := range results {
		cells := append([]string{a.Address}, a.Monlist.cells()...)
		cells = append(append(cells, a.Readvar.cells()...), a.Reason, a.Remedy)
		if err := row(cells...); err != nil {
			return err
		}
	}
	return b.Flush()
}

func (a auditedAnswer) cells() []string {
	return []string{strconv.FormatBool(a.Answers), strconv.Itoa(a.Asked), strconv.Itoa(a.Answered), plain(&a.Factor)}
}
