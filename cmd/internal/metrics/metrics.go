// Package metrics shows a running server's counters to Prometheus.
//
// Every name begins with skewatch_. All that was received is accounted for at each
// scrape, for each transport:
//
//	received = stored + pending + rejected (the sum of all reasons) + kernel_dropped
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/skewatch/skewatch/analysis"
	"github.com/skewatch/skewatch/analysis/rules"
	"github.com/skewatch/skewatch/collector"
	"github.com/skewatch/skewatch/collector/message"
	"github.com/skewatch/skewatch/ntpcheck"
)

// A Sample is what is shown of one moment.
type Sample struct {
	Received  collector.Stats
	Admission analysis.Admission
	Late      uint64 // messages that had been held up before they arrived
	Fleet     analysis.Glance
	Rules     rules.Stats
	Sources   ntpcheck.Status
	Outputs   []Output
	Reports   []Report
	Forwards  []Forward
	HTTP      HTTP
	Mutes     analysis.MuteCount
}

// HTTP is what was counted of the HTTP server.
type HTTP struct {
	Refused  []Count // requests and connections, by every reason there is
	Logins   uint64
	Sessions int
}

// A Count is how often something happened for a reason.
type Count struct {
	Reason string
	N      uint64
}

// An Output is what became of the events for one output of notifications.
type Output struct {
	Name      string
	Delivered uint64 // events
	Failed    uint64 // attempts
	Refused   uint64 // events that were given up
	Waiting   uint64 // events
}

// A Report is what became of the runs of a report by schedule, on one of the ways it goes.
type Report struct {
	Name     string
	Delivery string    // file or mail
	Tried    time.Time // when a run was last tried; zero if none was since the start
	Failed   bool      // it didn't go well
	Pending  uint64    // runs that are due
	Skipped  uint64    // runs that were given up
}

// A Forward is what became of the messages for one receiver that they are sent on to.
type Forward struct {
	Name      string
	Delivered uint64 // messages
	Waiting   uint64 // messages stored since the last that is done with
	Failed    uint64 // attempts
	Missed    uint64 // messages removed or damaged before they could be sent
	Refused   uint64 // messages that were given up
}

// MostHosts is how many hosts have series of their own: those that are warned of first, then
// those that are off the most.
const MostHosts = 1000

// Build is what a server was made of.
type Build struct{ Version, Go string }

// Handler answers scrapes with what sample returns at the time, and with what the runtime
// and the system say of the process.
func Handler(sample func() Sample, b Build) http.Handler {
	registry := prometheus.NewRegistry()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "skewatch_build_info", Help: "1; what the server was made of stands in the labels.",
		ConstLabels: prometheus.Labels{"version": b.Version, "goversion": b.Go},
	})
	info.Set(1)
	registry.MustRegister(&reader{sample}, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// A family is what the metrics of one name have in common.
type family struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func counter(name, help string, labels ...string) family {
	return family{prometheus.NewDesc("skewatch_"+name+"_total", help, labels, nil), prometheus.CounterValue}
}

func gauge(name, help string, labels ...string) family {
	return family{prometheus.NewDesc("skewatch_"+name, help, labels, nil), prometheus.GaugeValue}
}

var (
	received    = counter("received_messages", "Messages that arrived, those that the kernel dropped included.", "transport")
	stored      = counter("stored_messages", "Messages that were handed to the store.", "transport")
	pending     = gauge("pending_messages", "Messages that have arrived and are on their way to the store.", "transport")
	rejected    = counter("rejected_messages", "Messages that arrived and were turned away.", "transport", "reason")
	dropped     = counter("kernel_dropped_messages", "Datagrams that the kernel dropped because they came faster than they were read.", "transport")
	octets      = counter("stored_bytes", "Octets of stored messages, without framing.", "transport")
	truncated   = counter("truncated_messages", "Stored messages that are not whole.", "transport")
	userStamped = counter("user_stamped_messages", "Stored messages that the kernel gave no receive stamp.", "transport")
	unread      = counter("unread_messages", "Messages that a custom format could make nothing of: they are kept whole.", "transport")
	connections = counter("connections", "Connections that were let in.", "transport")
	open        = gauge("open_connections", "Connections that are open.", "transport")
	closed      = counter("closed_connections", "Connections that were not let in, or were ended by the server.", "transport", "reason")

	late      = counter("late_messages", "Messages that had been held up before they arrived, in a queue or by an outage.")
	hosts     = gauge("hosts", "Hosts whose clocks are judged.")
	probation = gauge("probation_hosts", "Names that many others came with, and that must prove themselves before they are judged.")
	parked    = gauge("parked_hosts", "Hosts that have given up their place and whose state waits on disk.")
	evicted   = counter("evicted_hosts", "Hosts that have given up their place to others.")
	recalled  = counter("recalled_hosts", "Hosts that have come back from disk.")
	damaged   = counter("damaged_hosts", "Hosts that should have come back from disk, but whose state couldn't be read: they began anew.")
	notJudged = counter("not_judged_messages", "Stored messages that are no evidence of a clock, because too many hosts were named.", "reason")

	ruleCounted = counter("rules_counted_messages", "Messages that counted for a rule, once for each.")
	ruleLate    = counter("rules_late_messages", "Messages that came too long after they were written to be counted by rules.")
	ruleKeys    = gauge("rules_keys", "Keys of rules, such as addresses, that are counted.")
	ruleEvicted = counter("rules_evicted_keys", "Keys of rules that were given up, because there were too many.")

	delivered = counter("notifications_delivered", "Warning events that an output has delivered.", "output")
	failed    = counter("notifications_failed_attempts", "Attempts of an output to deliver events that failed.", "output")
	refused   = counter("notifications_refused", "Warning events that were given up, because the receiver refuses them.", "output")
	mutes     = gauge("mutes", "Silences that last, and acknowledgements of open warnings.", "kind")
	muted     = counter("muted_events", "Warning events that nobody was told of, because of a silence or an acknowledgement.", "kind")
	waiting   = gauge("notifications_waiting", "Warning events that an output has yet to deliver.", "output")

	forwarded      = counter("forwarded_messages", "Messages that a receiver has got.", "forward")
	forwardWaiting = gauge("forward_waiting_messages", "Messages stored since the last that a receiver has got, whether they concern it or not.", "forward")
	forwardFailed  = counter("forward_failed_attempts", "Attempts to send messages on that failed.", "forward")
	forwardMissed  = counter("forward_missed_messages", "Messages that were removed, or damaged, before they could be sent on.", "forward")
	forwardRefused = counter("forward_refused_messages", "Messages that were given up, because the receiver refuses them.", "forward")

	reportTried   = gauge("report_last_run_timestamp_seconds", "When a run of a report was last tried, Unix time.", "report", "delivery")
	reportWell    = gauge("report_last_run_success", "1 if that went well, 0 if it is to be tried again.", "report", "delivery")
	reportPending = gauge("report_pending_runs", "Runs of a report that are due and not delivered.", "report", "delivery")
	reportSkipped = counter("report_skipped_runs", "Runs of a report that were given up: too many were missed, or the mail server refuses it.", "report", "delivery")

	httpRefused  = counter("http_refused_requests", "Requests and connections that the HTTP server turned away.", "reason")
	httpLogins   = counter("http_logins", "Sessions of people that were begun.")
	httpSessions = gauge("http_sessions", "Sessions of people that there are.")
)

// A reader reads a sample at each scrape.
type reader struct{ sample func() Sample }

// Describe tells nothing beforehand, as the interface allows: each metric tells itself.
func (r *reader) Describe(chan<- *prometheus.Desc) {}

// Collect sends all metrics of a sample.
func (r *reader) Collect(to chan<- prometheus.Metric) {
	s := r.sample()
	w := writer{to}
	for t := range message.Transport(message.Transports) {
		w.transport(t, &s.Received[t])
	}
	w.send(late, s.Late)
	w.admission(&s.Admission)
	w.rules(&s.Rules)
	w.fleet(&s.Fleet)
	w.reference(&s.Sources)
	for _, kind := range analysis.MuteKinds() {
		w.send(mutes, uint64(s.Mutes.Lasting[kind]), kind.String())
		w.send(muted, s.Mutes.Muted[kind], kind.String())
	}
	for _, o := range s.Outputs {
		w.output(o)
	}
	for _, r := range s.Reports {
		w.report(r)
	}
	for _, f := range s.Forwards {
		w.forward(f)
	}
	w.http(&s.HTTP)
}

// A writer sends metrics.
type writer struct{ to chan<- prometheus.Metric }

func (w writer) send(f family, value uint64, labels ...string) {
	w.sendFloat(f, float64(value), labels...)
}

func (w writer) sendFloat(f family, value float64, labels ...string) {
	w.to <- prometheus.MustNewConstMetric(f.desc, f.kind, value, labels...)
}

// admission sends how the table of hosts is kept within its bounds.
func (w writer) admission(a *analysis.Admission) {
	w.send(hosts, uint64(a.Originators))
	w.send(probation, uint64(a.OnProbation))
	w.send(parked, uint64(a.Parked))
	w.send(evicted, a.Evicted)
	w.send(recalled, a.Recalled)
	w.send(damaged, a.Damaged)
	w.send(notJudged, a.TurnedAway.Probation, "probation")
	w.send(notJudged, a.TurnedAway.Quota, "quota")
	w.send(notJudged, a.TurnedAway.Full, "table_full")
	w.send(notJudged, a.TurnedAway.Unread, "state_unread")
}

// rules sends what rules over messages have counted.
func (w writer) rules(s *rules.Stats) {
	w.send(ruleCounted, s.Counted)
	w.send(ruleLate, s.TooLate)
	w.send(ruleKeys, uint64(s.Keys))
	w.send(ruleEvicted, s.Evicted)
}

// output sends what was counted of an output of notifications.
func (w writer) output(o Output) {
	w.send(delivered, o.Delivered, o.Name)
	w.send(failed, o.Failed, o.Name)
	w.send(refused, o.Refused, o.Name)
	w.send(waiting, o.Waiting, o.Name)
}

// forward sends what was counted of a receiver.
func (w writer) forward(f Forward) {
	w.send(forwarded, f.Delivered, f.Name)
	w.send(forwardWaiting, f.Waiting, f.Name)
	w.send(forwardFailed, f.Failed, f.Name)
	w.send(forwardMissed, f.Missed, f.Name)
	w.send(forwardRefused, f.Refused, f.Name)
}

// report sends how a report by schedule is doing.
func (w writer) report(r Report) {
	if !r.Tried.IsZero() {
		well := uint64(1)
		if r.Failed {
			well = 0
		}
		w.sendFloat(reportTried, float64(r.Tried.UnixMilli())/1e3, r.Name, r.Delivery)
		w.send(reportWell, well, r.Name, r.Delivery)
	}
	w.send(reportPending, r.Pending, r.Name, r.Delivery)
	w.send(reportSkipped, r.Skipped, r.Name, r.Delivery)
}

// http sends what was counted of the HTTP server.
func (w writer) http(h *HTTP) {
	for _, c := range h.Refused {
		w.send(httpRefused, c.N, c.Reason)
	}
	w.send(httpLogins, h.Logins)
	w.send(httpSessions, uint64(h.Sessions))
}

// transport sends what was counted of a transport.
func (w writer) transport(t message.Transport, s *collector.TransportStats) {
	name := t.String()
	w.send(received, s.Received, name)
	w.send(stored, s.Stored, name)
	w.send(pending, s.Pending, name)
	for why := range collector.Rejections() {
		if why.Concerns(t) {
			w.send(rejected, s.Rejected[why], name, why.String())
		}
	}
	w.send(octets, s.Octets, name)
	w.send(truncated, s.Truncated, name)
	w.send(userStamped, s.UserStamped, name)
	w.send(unread, s.Unread, name)
	if t == message.UDP {
		w.send(dropped, s.DroppedByKernel, name)
		return
	}
	w.send(connections, s.Connections, name)
	w.send(open, s.Open, name)
	for why := range collector.Closures() {
		if why.Concerns(t) {
			w.send(closed, s.Closed[why], name, why.String())
		}
	}
}
