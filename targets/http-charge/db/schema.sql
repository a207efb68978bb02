CREATE TABLE orders (
    id int PRIMARY KEY,
    cents int NOT NULL,
    receipt text
);
INSERT INTO orders VALUES (1, 500, NULL), (2, 1250, NULL), (3, 99, 'paid before');
