/**
 * A self-signed certificate for 127.0.0.1 and localhost, good for a hundred years, and its key: for servers of tests on
 * loopback. Made once with openssl, so that tests need no program for it. It protects nothing.
 */
export const LOOPBACK_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBrDCCAVGgAwIBAgIUNbA+BAf5opn0svvTX1Br6vjEYyIwCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRc2tlaW4gdGVzdCBzZXJ2ZXIwIBcNMjYxMTIyMjMwMjQ0WhgP
MjEyNjEwMjkyMzAyNDRaMBwxGjAYBgNVBAMMEXNrZWluIHRlc3Qgc2VydmVyMFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEuuX5wgxKGIWd63ldUacl9LLh8jb10PmA
7yX/Gar3yJSnMLTuKlp5n1PfhG+Jehu7SCgpkUx/SsHYiuRHoX6JRaNvMG0wHQYD
VR0OBBYEFKjWAPLJ4XzmhWN3YxjtnSYYN4IgMB8GA1UdIwQYMBaAFKjWAPLJ4Xzm
hWN3YxjtnSYYN4IgMA8GA1UdEwEB/wQFMAMBAf8wGgYDVR0RBBMwEYcEfwAAAYIJ
bG9jYWxob3N0MAoGCCqGSM49BAMCA0kAMEYCIQC3qw3t2RFM7pI4hRfQ7j6G1Rdn
0puSjsK3JdB7M7G7QAIhAIySN9wTL/OEaSakDZ0hrJjp0F0kNo+NQi61jeil+ByN
-----END CERTIFICATE-----
`;

export const LOOPBACK_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg64eom4BoL2n/sBoA
F88MFCIlvqT/VForaV4Eemi4bAChRANCAAS65fnCDEoYhZ3reV1RpyX0suHyNvXQ
+YDvJf8ZqvfIlKcwtO4qWnmfU9+Eb4l6G7tIKCmRTH9KwdiK5EehfolF
-----END PRIVATE KEY-----
`;
