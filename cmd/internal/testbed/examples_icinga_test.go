package testbed

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// TestIcingaExampleIsValid has Icinga 2 apply the example to two hosts.
func TestIcingaExampleIsValid(t *testing.T) {
	example, err := filepath.Abs("../../../examples/icinga/skewatch.conf")
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "icinga2.conf")
	write(t, config, `include <itl>
object Host "web1" { check_command = "dummy"; vars.skewatch = true; vars.skewatch_name = "web1.example.net" }
object Host "collector" { check_command = "dummy"; vars.skewatch_collector = true }
include "`+example+`"
`)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	group, err := user.LookupGroupId(me.Gid)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(need(t, "icinga2", "icinga2-bin"), "daemon", "--validate", "--config", config,
		"-DConfiguration.CacheDir="+t.TempDir(), "-DConfiguration.DataDir="+t.TempDir())
	cmd.Env = append(os.Environ(), "ICINGA2_USER="+me.Username, "ICINGA2_GROUP="+group.Name) // or root becomes another, who can't read this
	output, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "Instantiated 2 Services") {
		t.Errorf("icinga2: %v\n%s", err, output)
	}
}
