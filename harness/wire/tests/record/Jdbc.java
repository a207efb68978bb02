import java.sql.*;
import java.util.Properties;

/** PostgreSQL's JDBC driver: prepared statements past the fifth execution, batches, a query time-out. */
class Jdbc {
    public static void main(String[] arguments) throws Exception {
        String url = "jdbc:postgresql://127.0.0.1:" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE");
        Properties properties = new Properties();
        properties.setProperty("user", "scram");
        properties.setProperty("password", "hunter2");
        try (Connection connection = DriverManager.getConnection(url, properties)) {
            switch (arguments[0]) {
                case "prepared" -> prepared(connection);
                case "batch" -> batch(connection);
                default -> timeout(connection);
            }
        }
    }

    static void prepared(Connection connection) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement("UPDATE account SET balance = balance + ? WHERE id = ?")) {
            for (int number = 1; number <= 7; number++) {
                update.setInt(1, 1);
                update.setInt(2, number);
                update.executeUpdate();
            }
        }
        connection.setAutoCommit(false);
        try (PreparedStatement select = connection.prepareStatement("SELECT id FROM account ORDER BY id")) {
            select.setFetchSize(8);
            ResultSet rows = select.executeQuery();
            while (rows.next()) {
                rows.getInt(1);
            }
        }
        try (Statement statement = connection.createStatement()) {
            statement.executeUpdate("INSERT INTO account VALUES (1, 'hunter2', 0)");
        } catch (SQLException error) {
            connection.rollback();
        }
        connection.commit();
    }

    static void batch(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        try (PreparedStatement insert = connection.prepareStatement("INSERT INTO log (text) VALUES (?)")) {
            for (int number = 0; number < 5; number++) {
                insert.setString(1, "batch " + number);
                insert.addBatch();
            }
            insert.executeBatch();
        }
        connection.commit();
        try (Statement statement = connection.createStatement()) {
            statement.addBatch("UPDATE account SET balance = 1 WHERE id = 1");
            statement.addBatch("UPDATE account SET balance = -1 WHERE id = 2");
            statement.addBatch("UPDATE account SET balance = 1 WHERE id = 3");
            statement.executeBatch();
        } catch (SQLException error) {
            connection.rollback();
        }
        connection.setAutoCommit(true);
        try (Statement statement = connection.createStatement()) {
            statement.execute("SELECT 1; UPDATE account SET balance = 2 WHERE id = 1");
        }
    }

    static void timeout(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.setQueryTimeout(1);
            statement.execute("SELECT pg_sleep(30)");
        } catch (SQLException error) {
            System.out.println(error.getMessage());
        }
        try (Statement statement = connection.createStatement()) {
            statement.execute("SELECT 1");
        }
    }
}
