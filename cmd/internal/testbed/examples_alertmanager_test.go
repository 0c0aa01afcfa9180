package testbed

import (
	"os/exec"
	"testing"
)

func TestAlertmanagerExampleIsValid(t *testing.T) {
	output, err := exec.Command(need(t, "amtool", "prometheus-alertmanager"), "check-config", "../../../examples/alertmanager/alertmanager.yml").CombinedOutput()
	if err != nil {
		t.Errorf("amtool: %v\n%s", err, output)
	}
}
