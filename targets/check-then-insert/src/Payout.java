import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/**
 * Nightly job with JDBC and a pool: makes one payout for each partner that is owed one.
 *
 * <p>GUARD=select looks whether the payout is there, then inserts it; GUARD=key inserts it under a
 * key that is unique, and does nothing where the key is taken.
 */
final class Payout {
  private static final boolean KEYED = "key".equals(System.getenv("GUARD"));
  private static final int PARTNERS = 14;

  public static void main(String[] arguments) throws SQLException {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl("jdbc:postgresql://db/app?user=app&sslmode=disable");
    config.setMaximumPoolSize(1);
    try (HikariDataSource pool = new HikariDataSource(config);
        Connection connection = pool.getConnection()) {
      for (int partner = 1; partner <= PARTNERS; partner++) {
        int rate = number(connection, "SELECT rate FROM partners WHERE id = ?", partner);
        int sales = number(connection, "SELECT sum(cents) FROM sales WHERE partner = ?", partner);
        int known = number(connection, "SELECT count(*) FROM payouts WHERE partner = ?", partner);
        if (rate > 0 && known == 0) {
          pay(connection, partner, sales * rate / 100);
        }
      }
    }
  }

  private static void pay(Connection connection, int partner, int cents) throws SQLException {
    String insert = "INSERT INTO payouts (partner, cents, key) VALUES (?, ?, ?)";
    if (KEYED) {
      insert += " ON CONFLICT (key) DO NOTHING";
    }
    try (PreparedStatement statement = connection.prepareStatement(insert)) {
      statement.setInt(1, partner);
      statement.setInt(2, cents);
      statement.setString(3, KEYED ? "2026-11-22/" + partner : null);
      statement.executeUpdate();
    }
  }

  private static int number(Connection connection, String select, int partner)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(select)) {
      statement.setInt(1, partner);
      try (ResultSet rows = statement.executeQuery()) {
        rows.next();
        return rows.getInt(1);
      }
    }
  }
}
