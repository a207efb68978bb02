SET password_encryption = 'scram-sha-256';
CREATE ROLE plain LOGIN SUPERUSER PASSWORD 'hunter2';
CREATE ROLE scram LOGIN SUPERUSER PASSWORD 'hunter2';
CREATE TABLE account (id int PRIMARY KEY, name text, balance numeric(10, 2) NOT NULL DEFAULT 0 CHECK (balance >= 0));
INSERT INTO account SELECT n, 'name ' || n, 100 FROM generate_series(1, 20) n;
CREATE TABLE log (id serial PRIMARY KEY, text text);
CREATE FUNCTION shout(words text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN RAISE NOTICE 'shout %', words; INSERT INTO log (text) VALUES (words); RETURN 1; END $$;
CREATE TABLE numbers (number int);
