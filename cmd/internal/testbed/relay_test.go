package testbed

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// relayed is the shape of what the central relay passes on: the host's own stamp,
// and the relay's receive time beside it.
var relayed = regexp.MustCompile(`^counted:<14>1 (\S+) (\S+) (\S+) - (\S+) ` +
	`\[skewatch@32473 received="(\S+)" from="127\.0\.0\.1"\](.*)$`)

func TestExampleCentralRelay(t *testing.T) {
	collector := listen(t, "tcp", "127.0.0.1:0")
	central := startCentral(t, adapted(t, "40-central-relay.conf", collector.address))

	late := Clock{Offset: -3200 * time.Millisecond}
	host := StartRsyslogd(t, Host{Name: "web1", Clock: late, Target: central, Transport: "tcp", Format: Forward})
	if err := host.Log(feedApp, "number 0"); err != nil {
		t.Fatal(err)
	}
	a := collector.await(t, 1)[0]
	parts := relayed.FindStringSubmatch(a.text)
	if parts == nil || parts[2] != "web1" || parts[3] != feedApp || parts[6] != " number 0" {
		t.Fatalf("message %q, want number 0 of web1 in the shape %v", a.text, relayed)
	}
	sent, received := instant(t, parts[1]), instant(t, parts[5])
	if transit := received.Sub(sent); transit < -late.Offset || transit > -late.Offset+time.Second {
		t.Errorf("received - sent = %v, want the host's %v and a little delay: %q", transit, -late.Offset, a.text)
	}
	if age := a.at.Sub(received); age < 0 || age > time.Second {
		t.Errorf("received by the relay %v before it arrived, want a little: %q", age, a.text)
	}
}

func TestExampleCentralRelayKeepsTheMessage(t *testing.T) {
	collector := listen(t, "tcp", "127.0.0.1:0")
	central := startCentral(t, adapted(t, "40-central-relay.conf", collector.address))

	conn, err := net.Dial("tcp", central)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintln(conn, `<14>1 2003-10-11T22:14:15.003-07:00 db1 app - ID47 [x@32473 a="]\"b"][y@32473] first`)
	fmt.Fprintln(conn, `<14>1 2003-10-11T22:14:15.003-07:00 db1 app - - - second`)

	tests := []struct{ msgID, rest string }{
		{"ID47", `[x@32473 a="]\"b"][y@32473] first`},
		{"-", " second"},
	}
	arrivals := collector.await(t, len(tests))
	for i, want := range tests {
		parts := relayed.FindStringSubmatch(strings.ReplaceAll(arrivals[i].text, `\]`, "]"))
		if parts == nil {
			t.Fatalf("message %q, want the shape %v", arrivals[i].text, relayed)
		}
		got := strings.Join(parts[1:5], " ") + parts[6]
		if wanted := "2003-10-11T22:14:15.003-07:00 db1 app " + want.msgID + want.rest; got != wanted {
			t.Errorf("relayed %q, want %q", got, wanted)
		}
	}
}

// startCentral starts an rsyslogd that receives over TCP, and returns its address.
func startCentral(t *testing.T, output string) string {
	t.Helper()
	directory := t.TempDir()
	portFile := filepath.Join(directory, "port")
	r := startConfigured(t, Host{Name: "central"}, directory, fmt.Sprintf(`module(load="imtcp")
input(type="imtcp" address="127.0.0.1" port="0" listenPortFileName=%q)
`, portFile)+output)

	var port []byte
	await(t, r.process, "its TCP port", func() bool {
		port, _ = os.ReadFile(portFile)
		return len(port) > 0
	})
	address := net.JoinHostPort("127.0.0.1", strings.TrimSpace(string(port)))
	await(t, r.process, "to listen there", func() bool { // the file comes first
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return address
}

func instant(t *testing.T, stamp string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
