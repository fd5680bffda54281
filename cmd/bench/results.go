package main

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A series is one metric of one benchmark.
type series struct{ benchmark, metric string }

// results are the values of each series, one for each run of the benchmark.
type results map[series][]float64

// read takes the output of "go test -bench", line by line, and copies it to
// progress.
func read(lines *bufio.Scanner, progress io.Writer) results {
	measured, procs := results{}, regexp.MustCompile(`-\d+$`)
	for lines.Scan() {
		fmt.Fprintln(progress, lines.Text())
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := procs.ReplaceAllString(fields[0], "")
		for i := 2; i+1 < len(fields); i += 2 {
			if v, err := strconv.ParseFloat(fields[i], 64); err == nil {
				s := series{name, fields[i+1]}
				measured[s] = append(measured[s], v)
			}
		}
	}
	return measured
}

// median returns the middle value, the lower of two.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}

// quantity writes a value with its metric: times as durations, the rest as it
// is.
func quantity(v float64, metric string) string {
	unit, per, _ := strings.Cut(metric, "/")
	if per != "" && per != "op" {
		per = "/" + per
	} else {
		per = ""
	}
	scale := map[string]time.Duration{"ns": 1, "µs": time.Microsecond, "ms": time.Millisecond, "s": time.Second}
	if step, ok := scale[unit]; ok {
		d := time.Duration(v * float64(step))
		return d.Round(max(d/1000, 1)).String() + per
	}
	return number(v) + " " + unit + per
}

// number writes three digits, or all before the point when there are more.
func number(v float64) string {
	if v >= 100 || v == float64(int64(v)) {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
