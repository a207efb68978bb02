\set id random(1, 20)
BEGIN;
UPDATE account SET balance = balance + 1 WHERE id = :id;
SELECT balance FROM account WHERE id = :id;
END;
