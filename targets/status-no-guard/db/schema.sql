-- Orders, and a log of what became of them.
CREATE TABLE items (item text PRIMARY KEY, weight int NOT NULL);
INSERT INTO items VALUES ('book', 400), ('lamp', 900);
CREATE TABLE orders (id int PRIMARY KEY, item text NOT NULL REFERENCES items, status text NOT NULL);
INSERT INTO orders
  SELECT n, CASE WHEN n % 2 = 0 THEN 'book' ELSE 'lamp' END,
    CASE WHEN n % 6 = 0 THEN 'paid' ELSE 'cancelled' END
  FROM generate_series(1, 18) AS n;
CREATE TABLE order_log (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id   int  NOT NULL REFERENCES orders,
  was_status text NOT NULL,
  status     text NOT NULL
);
CREATE FUNCTION log_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO order_log (order_id, was_status, status) VALUES (NEW.id, OLD.status, NEW.status);
  RETURN NULL;
END $$;
CREATE TRIGGER log_status AFTER UPDATE OF status ON orders
  FOR EACH ROW EXECUTE FUNCTION log_status();
