"""The tests of `customer_profiles`."""
