// Package scale measures how many nodes one git server carries, with claims there and on etcd,
// and how both places grow. Its benchmarks need real hosts; what they print is in
// examples/SCALE.md.
package scale
