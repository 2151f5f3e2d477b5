"""A draft corrected from the fields of forms: conditions, amounts, particulars, cases; written as officers write."""
