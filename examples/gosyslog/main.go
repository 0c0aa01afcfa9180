// Gosyslog is a syslog server on go-syslog.v2 that reads its messages with
// skewatch's parser: it prints, beside each message, the time that its sender wrote.
//
//	go run ./examples/gosyslog -listen 127.0.0.1:5514
//	logger --server 127.0.0.1 --port 5514 --udp --rfc5424 hello
package main

import (
	"flag"
	"fmt"
	"log"
	"time"

	syslog "gopkg.in/mcuadros/go-syslog.v2"
	"gopkg.in/mcuadros/go-syslog.v2/format"

	"github.com/skewatch/skewatch/collector/parse/gosyslog"
)

func main() {
	address := flag.String("listen", "127.0.0.1:5514", "address to listen on, UDP and TCP")
	flag.Parse()

	server := syslog.NewServer()
	server.SetFormat(gosyslog.Format{})
	server.SetHandler(printer{})
	if err := server.ListenUDP(*address); err != nil {
		log.Fatalf("listening on UDP: %v", err)
	}
	if err := server.ListenTCP(*address); err != nil {
		log.Fatalf("listening on TCP: %v", err)
	}
	if err := server.Boot(); err != nil {
		log.Fatalf("starting the server: %v", err)
	}
	server.Wait()
}

// A printer is a handler that writes one line a message.
type printer struct{}

func (printer) Handle(parts format.LogParts, _ int64, _ error) {
	text := parts["message"]
	if text == nil {
		text = parts["content"]
	}
	fmt.Printf("%-15s %s  %s\n", parts["hostname"], sent(parts), text)
}

// sent describes a message's own time: the moment if it names one, what was written
// if year or zone are missing, and otherwise why there is none.
func sent(parts format.LogParts) string {
	if at := parts["timestamp"].(time.Time); !at.IsZero() {
		return at.Format(time.RFC3339Nano)
	}
	if civil := parts["skewatch.sent_civil"].(string); civil != "" {
		return civil + " (no year or zone)"
	}
	return fmt.Sprintf("(stamp %s)", parts["skewatch.stamp_format"])
}
