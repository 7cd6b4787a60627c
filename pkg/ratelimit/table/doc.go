// Package table keeps the states of a bounded number of rate-limit keys, for
// stores that decide in this process. A store adds to each key what it needs
// besides the state; package memory adds nothing.
//
// [Table.Lock] is the way in. It always gives an entry: the key's own or, where
// no room is left, the one that all such keys of a tier share. It starts no
// goroutine: what is no longer needed is swept away in passing, a few entries
// with each new key, so there is no pause and no timer.
//
// table.go finds entries, shard.go holds and sweeps them, overflow.go has the
// shared ones.
package table
