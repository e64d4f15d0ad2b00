package bench;

import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jose.jwk.source.ImmutableJWKSet;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.proc.SecurityContext;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.jdbc.core.JdbcOperations;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.crypto.password.NoOpPasswordEncoder;
import org.springframework.security.crypto.password.PasswordEncoder;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.jose.jws.SignatureAlgorithm;
import org.springframework.security.oauth2.server.authorization.JdbcOAuth2AuthorizationService;
import org.springframework.security.oauth2.server.authorization.OAuth2AuthorizationService;
import org.springframework.security.oauth2.server.authorization.OAuth2TokenType;
import org.springframework.security.oauth2.server.authorization.client.JdbcRegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClient;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.settings.ClientSettings;
import org.springframework.security.oauth2.server.authorization.settings.TokenSettings;
import org.springframework.security.oauth2.server.authorization.token.JwtEncodingContext;
import org.springframework.security.oauth2.server.authorization.token.OAuth2TokenCustomizer;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;

/** Spring Authorization Server as Spring Boot sets it up, with its tables in a database and a key for each algorithm. */
@SpringBootApplication
public class Server {
  private static final String AUDIENCE = "https://bench.example";

  public static void main(String[] args) {
    SpringApplication.run(Server.class, args);
  }

  @Bean
  RegisteredClientRepository clients(JdbcOperations jdbc) {
    var clients = new JdbcRegisteredClientRepository(jdbc);
    clients.save(client("bench"));
    clients.save(client("bench-es256"));
    return clients;
  }

  private static RegisteredClient client(String id) {
    return RegisteredClient.withId(id)
        .clientId(id)
        .clientSecret(System.getenv("BENCH_SECRET") + id)
        .clientAuthenticationMethod(ClientAuthenticationMethod.CLIENT_SECRET_POST)
        .authorizationGrantType(AuthorizationGrantType.CLIENT_CREDENTIALS)
        .authorizationGrantType(AuthorizationGrantType.AUTHORIZATION_CODE)
        .authorizationGrantType(AuthorizationGrantType.REFRESH_TOKEN)
        .redirectUri(System.getenv("BENCH_CALLBACK"))
        .scopes(scopes -> scopes.addAll(List.of("openid", "profile", "email", "read:bench")))
        .clientSettings(ClientSettings.builder().requireAuthorizationConsent(false).requireProofKey(false).build())
        .tokenSettings(TokenSettings.builder().accessTokenTimeToLive(Duration.ofHours(1)).reuseRefreshTokens(false).build())
        .build();
  }

  @Bean
  OAuth2AuthorizationService authorizations(JdbcOperations jdbc, RegisteredClientRepository clients) {
    return new JdbcOAuth2AuthorizationService(jdbc, clients);
  }

  @Bean
  OAuth2TokenCustomizer<JwtEncodingContext> token() {
    return context -> {
      if (!OAuth2TokenType.ACCESS_TOKEN.equals(context.getTokenType())) return;
      // Of a kind of list that comes back from the database: List.of is refused when it is read.
      context.getClaims().audience(Collections.singletonList(AUDIENCE));
      if (context.getRegisteredClient().getClientId().equals("bench-es256")) context.getJwsHeader().algorithm(SignatureAlgorithm.ES256);
    };
  }

  @Bean
  JWKSource<SecurityContext> keys() throws Exception {
    var rsa = new RSAKeyGenerator(2048).keyIDFromThumbprint(true).generate();
    var ec = new ECKeyGenerator(Curve.P_256).keyIDFromThumbprint(true).generate();
    return new ImmutableJWKSet<>(new JWKSet(List.of(rsa, ec)));
  }

  @Bean
  UserDetailsService users() {
    return new InMemoryUserDetailsManager(User.withUsername("jane").password(System.getenv("BENCH_PASSWORD")).roles("USER").build());
  }

  /** Secrets are compared as they are: what a slow hash of them takes would hide all else. */
  @Bean
  @SuppressWarnings("deprecation")
  PasswordEncoder secrets() {
    return NoOpPasswordEncoder.getInstance();
  }
}
