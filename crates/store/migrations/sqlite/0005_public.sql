-- Making a folder private makes everything in it private without writing a row of it: the flag of an object holds only
-- while it carries the generation of its bucket.
ALTER TABLE item ADD COLUMN public_generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE bucket ADD COLUMN private_generation INTEGER NOT NULL DEFAULT 0;
