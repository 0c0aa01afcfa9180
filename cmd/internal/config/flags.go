package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Flags declares --config and a flag for each setting that has one, to be listed
// in that order. Load reads and judges them, together with the other sources.
func Flags(set *pflag.FlagSet) {
	set.SortFlags = false
	set.Var(&texts{arg: "FILE"}, "config", "read settings from this YAML file")
	declare(set, func(flag string) bool { return flag != "" })
}

// ProfileFlags declares the flags that choose a profile, for a command that doesn't
// take all of them. Load reads them from such a set as well.
func ProfileFlags(set *pflag.FlagSet) {
	declare(set, func(flag string) bool { return flag == "profile" || flag == "tolerance" })
}

// JudgingFlags declares --config and the flags that say how clocks are judged, for a
// command that doesn't take all of them. Load reads them from such a set as well.
func JudgingFlags(set *pflag.FlagSet) {
	set.Var(&texts{arg: "FILE"}, "config", "read settings from this YAML file")
	ProfileFlags(set)
	declare(set, func(flag string) bool { return flag == "assume-zone" })
}

func declare(set *pflag.FlagSet, wanted func(flag string) bool) {
	for _, s := range new(Config).settings() {
		if wanted(s.flag) {
			set.Var(&texts{arg: s.arg, preset: s.preset, many: s.many()}, s.flag, s.usage)
		}
	}
}

// EnvName returns the name of the environment variable that stands for a flag:
// SKEWATCH_NTP_POLL for "ntp-poll".
func EnvName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

const envPrefix = "SKEWATCH_"

// texts is a flag's value as it stands on the command line. It implements
// pflag.Value.
type texts struct {
	arg    string
	preset []string
	many   bool
	given  []string
}

func (t *texts) String() string { return strings.Join(t.preset, ", ") }
func (t *texts) Type() string   { return t.arg }

func (t *texts) Set(text string) error {
	if !t.many {
		t.given = nil
	}
	t.given = append(t.given, text)
	return nil
}

// given returns what stands on the command line for a flag, and whether the flag
// is there.
func given(flags *pflag.FlagSet, name string) ([]string, bool) {
	if flags == nil {
		return nil, false
	}
	f := flags.Lookup(name)
	if f == nil || !f.Changed {
		return nil, false
	}
	return f.Value.(*texts).given, true
}

// flags applies the command line.
func (l *loader) flags(flags *pflag.FlagSet) {
	for _, s := range l.settings {
		if texts, ok := given(flags, s.flag); ok {
			l.assign(s, texts, origin{source: fromFlag, name: "--" + s.flag})
		}
	}
}

// environment returns the variables that are named like ours.
func environment(environ []string) map[string]string {
	ours := map[string]string{}
	for _, variable := range environ {
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, envPrefix) {
			ours[name] = value
		}
	}
	return ours
}

// environment applies the variables and remembers those that are likely
// misspelt. Other unknown ones may be anybody's: a container platform makes
// SKEWATCH_PORT for a service of that name.
func (l *loader) environment(env map[string]string) {
	known := []string{EnvName("config"), EnvName("server"), EnvName("token-file"), EnvName("ca")}
	for _, s := range l.settings {
		if s.flag == "" {
			continue
		}
		name := EnvName(s.flag)
		known = append(known, name)
		if value, ok := env[name]; ok {
			l.assign(s, split(s, value), origin{source: fromEnvironment, name: name})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if near := Nearest(name[len(envPrefix):], trimmed(known)); near != "" && !slices.Contains(known, name) {
			l.config.misnamed = append(l.config.misnamed, Oddity{name, "is no setting of skewatch and has no effect",
				fmt.Sprintf("write %s%s", envPrefix, near)})
		}
	}
}

// trimmed returns the names without the prefix, which would make all of them
// look alike.
func trimmed(names []string) []string {
	short := make([]string, len(names))
	for i, name := range names {
		short[i] = strings.TrimPrefix(name, envPrefix)
	}
	return short
}

// split returns the values in a variable. Commas separate those of a list.
func split(s setting, value string) []string {
	if !s.many() {
		return []string{value}
	}
	values := strings.Split(value, ",")
	for i := range values {
		values[i] = strings.TrimSpace(values[i])
	}
	return values
}

// fileName returns the file to read, if one is named, and what named it.
func fileName(flags *pflag.FlagSet, env map[string]string) (file origin, ok bool) {
	if texts, ok := given(flags, "config"); ok {
		return origin{source: fromFlag, name: texts[0]}, true
	}
	name, ok := env[EnvName("config")]
	return origin{source: fromEnvironment, name: name}, ok
}
