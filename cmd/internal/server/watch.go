package server

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/rules"
	"github.com/skewatch/skewatch/analysis/timeservice"
	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/collector/message"
)

// LoadRules reads files of rules, or those that come with the program by their names. What
// is wrong in them is told as of a configuration: a *config.Error for each thing.
func LoadRules(names []string) (*rules.Set, error) {
	var files []*rules.File
	var errs []error
	for _, name := range names {
		f, err := loadRules(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		files = append(files, f)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, configErrors(err)
	}
	set, err := rules.NewSet(files...)
	return set, configErrors(err)
}

func loadRules(name string) (*rules.File, error) {
	if strings.HasPrefix(name, rules.BuiltinPrefix) {
		f, ok, err := rules.Builtin(name)
		if !ok {
			return nil, &config.Error{Field: "rules", Problem: "no file of this name comes with the program", Value: name,
				Hint: "there are: " + strings.Join(rules.Builtins(), ", ")}
		}
		return f, err
	}
	file, err := os.Open(name)
	var text []byte
	if err == nil {
		defer file.Close()
		text, err = io.ReadAll(file)
	}
	if err != nil {
		return nil, &config.Error{Field: "rules", Problem: "can't read the file: " + config.Pathless(err).Error(), Value: name,
			Hint: `write a path, or the name of rules that come with the program: ` + strings.Join(rules.Builtins(), ", ")}
	}
	return rules.Parse(name, bytes.NewReader(text))
}

// configErrors makes errors of the configuration of what is wrong with rules.
func configErrors(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, err := range joined.Unwrap() {
			all = append(all, configErrors(err))
		}
		return errors.Join(all...)
	}
	var wrong *rules.Error
	if !errors.As(err, &wrong) {
		return err
	}
	return &config.Error{Field: wrong.Field, Problem: wrong.Problem, Value: wrong.Value, Hint: wrong.Hint, File: wrong.File, Line: wrong.Line}
}

// A watch holds messages against the rules. Its engine is guarded by the archive's mu.
type watch struct {
	set    *rules.Set
	engine *rules.Engine

	told   rules.Stats // by the last line in the log
	warned time.Time
}

func newWatch(cfg *config.Config) (*watch, error) {
	set, err := LoadRules(cfg.Rules)
	if err != nil {
		return nil, err
	}
	return &watch{set: set, engine: rules.NewEngine(set, rules.Limits{})}, nil
}

// A meaning is what one message of a batch means.
type meaning struct {
	index int
	hits  []rules.Hit
	said  *analysis.Saying // of its host's clock; nil for nothing
}

// listen finds what a batch means to the rules, and what in it is said of clocks. It takes
// no lock: most of what that costs is here.
func (w *watch) listen(batch []message.Message) (all []meaning) {
	for i := range batch {
		hits, said := w.meaning(&batch[i])
		if len(hits) > 0 || said != nil {
			all = append(all, meaning{i, hits, said})
		}
	}
	return all
}

// meaning returns what a message means.
func (w *watch) meaning(m *message.Message) (hits []rules.Hit, said *analysis.Saying) {
	if w != nil && !w.set.Empty() {
		hits = w.set.Match(nil, m)
	}
	return hits, timeservice.Recognise(m)
}

// tally counts what a batch means, in the fleet's time. The caller holds mu.
func (a *archive) tally(batch []message.Message, all []meaning) {
	for _, h := range all {
		m := batch[h.index] // the batch is the collector's
		a.scale.put(&m, a.scale.clocks[m.StampedBy].isBefore(m.Received, a.now().UnixNano()))
		a.count(&m, h.hits, h.said)
	}
}

// count counts what a message in the fleet's time means.
func (a *archive) count(m *message.Message, hits []rules.Hit, said *analysis.Saying) {
	if said != nil {
		if f := a.fleet.Hear(m, *said); f != nil && len(a.said) < mostSaid {
			a.said = append(a.said, *f)
		}
	}
	if len(hits) == 0 {
		return
	}
	at, bound := a.fleet.Written(m)
	for i := range hits {
		a.watch.engine.Take(&hits[i], at, bound, m.Received)
	}
}

// mostSaid bounds what waits to be written of what hosts say of their clocks. Their messages
// are stored in any case.
const mostSaid = 10_000

// replay counts a stored message once more, since the last checkpoint doesn't include it.
func (a *archive) replay(m *message.Message) {
	hits, said := a.watch.meaning(m)
	a.count(m, hits, said)
}

// remember puts back what a rule had counted.
func (a *archive) remember(key string, blob []byte) {
	if a.watch == nil {
		return
	}
	if err := a.watch.engine.Restore(rules.State{Key: key, Blob: bytes.Clone(blob)}); err != nil {
		a.log.WithError(err).Error("what a rule has counted can't be read: it begins anew")
	}
}

// ruleStates returns what has changed of what rules have counted. The caller holds mu.
func (a *archive) ruleStates() (blobs []analysis.Blob) {
	if a.watch == nil {
		return nil
	}
	for _, s := range a.watch.engine.Snapshot() {
		blobs = append(blobs, analysis.Blob(s))
	}
	return blobs
}

// lateEvery is how far two lines in the log about what rules didn't count are apart.
const lateEvery = time.Minute

// complain tells in the log of messages that came too late to be counted by rules.
func (w *watch) complain(a *archive) {
	a.mu.Lock()
	stats, now := w.engine.Stats(), a.now()
	a.mu.Unlock()
	if stats.TooLate == w.told.TooLate || now.Sub(w.warned) < lateEvery {
		return
	}
	a.log.WithFields(logrus.Fields{"messages": stats.TooLate - w.told.TooLate, "after": rules.Keep}).
		Warn("messages came too late to be counted by rules: they are stored")
	w.told, w.warned = stats, now
}
