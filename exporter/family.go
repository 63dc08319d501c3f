package exporter

import (
	dto "github.com/prometheus/client_model/go"
)

// family is all series of one metric.
type family struct {
	name, help string
	kind       kind
	series     []series
}

func (f *family) add(s series) { f.series = append(f.series, s) }

// prometheusType is what Prometheus' library calls the kind.
func (k kind) prometheusType() *dto.MetricType {
	switch k {
	case counter:
		return dto.MetricType_COUNTER.Enum()
	case histogram:
		return dto.MetricType_HISTOGRAM.Enum()
	case untyped:
		return dto.MetricType_UNTYPED.Enum()
	default:
		return dto.MetricType_GAUGE.Enum()
	}
}

// desk is where families become what Prometheus' library writes, one after the other in the same memory.
type desk []point

type point struct {
	metric  dto.Metric
	gauge   dto.Gauge
	counter dto.Counter
	untyped dto.Untyped
}

// lay makes a family ready to be written. It stays so until the next one is.
func (d *desk) lay(f *family) *dto.MetricFamily {
	if len(*d) < len(f.series) {
		*d = make(desk, len(f.series))
	}
	ready := &dto.MetricFamily{Name: &f.name, Help: &f.help, Type: f.kind.prometheusType(), Metric: make([]*dto.Metric, len(f.series))}
	for i := range f.series {
		p := &(*d)[i]
		p.take(&f.series[i], f.kind)
		ready.Metric[i] = &p.metric
	}
	return ready
}

func (p *point) take(s *series, k kind) {
	p.metric.Gauge, p.metric.Counter, p.metric.Untyped, p.metric.Histogram = nil, nil, nil, nil
	switch k {
	case counter:
		p.counter.Value = &s.value
		p.metric.Counter = &p.counter
	case histogram:
		s.histogram.Write(&p.metric) // a histogram always can
	case untyped:
		p.untyped.Value = &s.value
		p.metric.Untyped = &p.untyped
	default:
		p.gauge.Value = &s.value
		p.metric.Gauge = &p.gauge
	}
	p.metric.Label = s.labels // a histogram has none of its own
}
