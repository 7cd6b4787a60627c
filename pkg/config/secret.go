package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// Secret is a text that no message may show: printed, logged or encoded it
// gives only its length. Bytes returns the secret itself.
type Secret string

var (
	_ fmt.Stringer   = Secret("")
	_ fmt.GoStringer = Secret("")
	_ fmt.Formatter  = Secret("")
	_ json.Marshaler = Secret("")
	_ slog.LogValuer = Secret("")
)

// Bytes returns the secret.
func (s Secret) Bytes() []byte { return []byte(s) }

// String says how long the secret is.
func (s Secret) String() string { return fmt.Sprintf("secret of %d bytes", len(s)) }

// GoString is String, for %#v.
func (s Secret) GoString() string { return s.String() }

// Format is String whatever the verb: %x and %q would print the bytes.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalJSON encodes String.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// LogValue is String, for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
