package server

import (
	"net"
	"os"
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/sirupsen/logrus"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/collector"
	"github.com/skewatch/skewatch/collector/message"
)

// inheritedSockets returns the sockets that systemd has passed (sd_listen_fds(3)). A
// datagram socket is UDP. What is spoken on a stream socket, FileDescriptorName= says:
// "tls", "relp" or "relp-tls"; it is TCP by any other name.
func inheritedSockets(log logrus.FieldLogger) (sockets []collector.Inherited, err error) {
	for _, f := range activation.Files(true) {
		t, err := transportOf(f)
		if err != nil {
			return nil, err
		}
		log.WithFields(logrus.Fields{"socket": f.Name(), "transport": t}).Info("socket taken over from systemd")
		sockets = append(sockets, collector.Inherited{File: f, Transport: t})
	}
	return sockets, nil
}

// transportOf returns what is spoken on an inherited socket.
func transportOf(f *os.File) (message.Transport, error) {
	if udp, err := net.FilePacketConn(f); err == nil {
		return message.UDP, udp.Close()
	}
	for _, t := range []message.Transport{message.TLS, message.RELP, message.RELPTLS} {
		if f.Name() == t.String() {
			return t, nil
		}
	}
	if strings.Contains(f.Name(), message.TLS.String()) || strings.Contains(f.Name(), message.RELP.String()) {
		return 0, &config.Error{Field: "FileDescriptorName", Problem: "doesn't say clearly what is spoken on the socket", Value: f.Name(),
			Hint: "write FileDescriptorName=tcp, tls, relp or relp-tls in the systemd socket unit"}
	}
	return message.TCP, nil
}

// instead drops the addresses of the transports that sockets were inherited for.
func instead(cfg *collector.Config) {
	has := func(t message.Transport) bool {
		return slices.ContainsFunc(cfg.Inherited, func(in collector.Inherited) bool { return in.Transport == t })
	}
	for t, addresses := range map[message.Transport]*[]string{
		message.UDP: &cfg.UDP, message.TCP: &cfg.TCP, message.TLS: &cfg.TLS, message.RELP: &cfg.RELP, message.RELPTLS: &cfg.RELPTLS,
	} {
		if has(t) {
			*addresses = nil
		}
	}
}
