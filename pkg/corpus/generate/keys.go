package main

import "kong-plugin-auth-diagnosis/pkg/corpus/internal/forge"

// makeKeys makes what the cases sign with. The kids look as the products write
// them: PingFederate's are SHA-1 thumbprints or an administrator's words,
// PingOne's are UUIDs, PingAM's base64 of a hash.
func makeKeys() ([]*forge.Key, error) {
	var keys []*forge.Key
	var failed error
	add := func(k *forge.Key, err error) {
		keys = append(keys, k)
		if failed == nil {
			failed = err
		}
	}
	add(forge.NewRSA("federate-rsa", "q4ZpX0vT1mWn7dLr9bKcE2sYhUo", 2048, 65537))
	add(forge.NewRSA("federate-rsa-next", "Jw8uG3fVxNa5tRkQ1eMyZ6iPbDs", 2048, 65537))
	add(forge.NewRSA("federate-rsa-3072", "Lc2oHs7nBvFy4gTqW9xKjM0aRzE", 3072, 65537))
	add(forge.NewEC("federate-p256", "Vd6kYm1rXsQh8wPzT3bNoC5jUgA", "P-256"))
	add(forge.NewEC("federate-p384", "Zt9fRb4uIqMx2yLvS7aEnG0hKdW", "P-384"))
	add(forge.NewEC("federate-p521", "Ox5cPj8eTgUk3zHrD6wVmB1iYsN", "P-521"))
	add(forge.NewEd25519("federate-ed25519", "Fn7qWl2yAhCt9sJxO4vRpK6dMbI"))
	add(forge.NewRSA("federate-manager", "OrdersSigning1", 2048, 65537))
	add(forge.NewRSA("federate-encryption", "Hk3xQz8bNtVw5jYcL1gSaF7oMuE", 2048, 65537))
	add(forge.NewRSA("one-rsa", "6f1c2a9e-5d3b-4e87-9a40-b2c7d8e1f035", 2048, 65537))
	add(forge.NewRSA("am-rsa", "tJ5vXr2mQw8/KcZ1yNfLbGhD4sE=", 2048, 65537))
	add(forge.NewEC("am-p256", "pR7dYk3uHs1+VnCxT9oWqAzM6jI=", "P-256"))
	add(forge.NewRSA("stranger-rsa", "", 2048, 65537))
	add(forge.NewEC("stranger-p256", "", "P-256"))
	add(forge.NewRSA("weak-1024", "weak-1024", 1024, 65537))
	add(forge.NewRSA("weak-exponent-3", "weak-exponent-3", 2048, 3))
	return keys, failed
}
