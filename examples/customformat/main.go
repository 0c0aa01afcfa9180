// Customformat receives messages of a shape that skewatch doesn't know, by a format of its
// own for go-syslog.v2, and prints each with its receive stamp. Besides UDP it listens on
// TCP, where its messages end with "\n".
//
//	go run ./examples/customformat -listen 127.0.0.1:5515
//	echo '20.11.2026 23:53:09|gate7|opened' > /dev/udp/127.0.0.1/5515
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"time"

	"gopkg.in/mcuadros/go-syslog.v2/format"

	"github.com/skewatch/skewatch/collector"
	"github.com/skewatch/skewatch/collector/message"
)

func main() {
	address := flag.String("listen", "127.0.0.1:5515", "address to listen on, UDP and TCP")
	flag.Parse()

	c, err := collector.Listen(collector.Config{
		Stamps: message.StampedByKernel,
		Custom: []collector.Custom{
			{Transport: message.UDP, Address: *address, Format: gates{}},
			{Transport: message.TCP, Address: *address, Format: gates{}},
		},
	}, printer{})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := c.Run(ctx); err != nil {
		log.Fatal(err)
	}
}

// gates is the format of some gate's lines: "DD.MM.YYYY HH:MM:SS|host|text".
type gates struct{}

func (gates) GetParser(line []byte) format.LogParser { return &gateParser{line: string(line)} }
func (gates) GetSplitFunc() bufio.SplitFunc          { return bufio.ScanLines }

type gateParser struct {
	line  string
	parts format.LogParts
}

func (p *gateParser) Location(*time.Location) {}

func (p *gateParser) Parse() error {
	fields := strings.SplitN(p.line, "|", 3)
	if len(fields) < 3 {
		return errors.New("not a gate's line")
	}
	at, err := time.Parse("02.01.2006 15:04:05", fields[0])
	p.parts = format.LogParts{"timestamp": at, "hostname": fields[1], "message": fields[2]}
	return err
}

func (p *gateParser) Dump() format.LogParts { return p.parts }

// A printer is a sink that writes a line a message.
type printer struct{}

func (printer) Put(batch []message.Message) error {
	for i := range batch {
		m := &batch[i]
		sent := "no stamp"
		if m.Sent.Usable() {
			sent = time.Unix(0, m.Sent.Civil).UTC().Format(time.DateTime)
		}
		fmt.Printf("received %s by the %v's clock; %s: sent %s, %s\n",
			m.ReceivedTime().Format(time.RFC3339Nano), m.StampedBy, m.Host, sent, m.Text)
	}
	return nil
}

func (printer) Sync(context.Context) error { return nil }
