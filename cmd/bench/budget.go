package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// A budget is a line of budgets.txt: what is measured, by which series, and
// the bound on it.
type budget struct {
	what      string
	series    series
	atLeast   bool
	bound     float64
	reference string
}

// parseBudgets reads lines of "what | benchmark | metric | bound | reference".
// A bound is "<= N" or ">= N" in the unit of the metric. A reference is text, or
// "benchmark metric" of another series measured in the same run. Empty lines
// and lines that start with # are left out.
func parseBudgets(text string) ([]budget, error) {
	var all []budget
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		b, err := parseBudget(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		all = append(all, b)
	}
	return all, nil
}

func parseBudget(line string) (budget, error) {
	fields := strings.Split(line, "|")
	if len(fields) != 5 {
		return budget{}, fmt.Errorf("%d fields, want what | benchmark | metric | bound | reference", len(fields))
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	sign, value, _ := strings.Cut(fields[3], " ")
	bound, err := strconv.ParseFloat(value, 64)
	if err != nil || (sign != "<=" && sign != ">=") {
		return budget{}, fmt.Errorf("bound %q is not <= or >= and a number", fields[3])
	}
	return budget{fields[0], series{fields[1], fields[2]}, sign == ">=", bound, fields[4]}, nil
}

// keeps tells whether a value is within the bound.
func (b budget) keeps(v float64) bool {
	if b.atLeast {
		return v >= b.bound
	}
	return v <= b.bound
}

func (b budget) limit() string {
	if b.atLeast {
		return "≥ " + quantity(b.bound, b.series.metric)
	}
	return "≤ " + quantity(b.bound, b.series.metric)
}

// worst returns the value farthest towards the bound.
func (b budget) worst(values []float64) float64 {
	if b.atLeast {
		return slices.Min(values)
	}
	return slices.Max(values)
}

// writeBudgets prints one row for each budget and tells whether the medians
// keep all of them.
func writeBudgets(out io.Writer, budgets []budget, measured results) bool {
	table, kept := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0), true
	fmt.Fprintln(table, "WHAT\tBUDGET\tMEDIAN\tWORST\tREFERENCE\t")
	for _, b := range budgets {
		values := measured[b.series]
		if len(values) == 0 {
			kept = false
			fmt.Fprintf(table, "%s\t%s\t\t\t%s\tnot measured\n", b.what, b.limit(), compared(b.reference, measured))
			continue
		}
		verdict := "ok"
		if !b.keeps(median(values)) {
			verdict, kept = "OVER", false
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", b.what, b.limit(), quantity(median(values), b.series.metric),
			quantity(b.worst(values), b.series.metric), compared(b.reference, measured), verdict)
	}
	table.Flush()
	return kept
}

// compared resolves a reference to a series into its name and median.
func compared(reference string, measured results) string {
	name, ok := strings.CutPrefix(reference, "Benchmark")
	if !ok {
		return reference
	}
	name, metric, _ := strings.Cut(name, " ")
	values := measured[series{"Benchmark" + name, metric}]
	if len(values) == 0 {
		return name + ": not measured"
	}
	return name + ": " + quantity(median(values), metric)
}

// writeOthers prints what was measured and has no budget.
func writeOthers(out io.Writer, budgets []budget, measured results) {
	var rest []series
	for s := range measured {
		if !slices.ContainsFunc(budgets, func(b budget) bool { return b.series == s }) {
			rest = append(rest, s)
		}
	}
	if len(rest) == 0 {
		return
	}
	slices.SortFunc(rest, func(a, b series) int {
		return strings.Compare(a.benchmark+" "+a.metric, b.benchmark+" "+b.metric)
	})
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nALSO MEASURED\tMETRIC\tMEDIAN\tHIGHEST")
	for _, s := range rest {
		values := measured[s]
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", strings.TrimPrefix(s.benchmark, "Benchmark"), s.metric,
			quantity(median(values), s.metric), quantity(slices.Max(values), s.metric))
	}
	table.Flush()
}
