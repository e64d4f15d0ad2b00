// A web application and its API with Spring Security, which gets the addresses of both from `issuer-uri`.
// Says at which address it listens. The person's access token is shown, so that a test can bring it to the API.
package interop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.web.servlet.context.ServletWebServerInitializedEvent;
import org.springframework.context.ApplicationListener;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpMethod;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.annotation.RegisteredOAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.oidc.web.logout.OidcClientInitiatedLogoutSuccessHandler;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.DefaultOAuth2AuthorizationRequestResolver;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizationRequestCustomizers;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.util.matcher.AntPathRequestMatcher;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import(Contacts.Pages.class)
public class Contacts {
    private static JsonNode settings;

    public static void main(String[] arguments) throws Exception {
        settings = new ObjectMapper().readTree(arguments[0]);
        String client = "spring.security.oauth2.client.";
        SpringApplication application = new SpringApplication(Contacts.class);
        application.setDefaultProperties(Map.of(
                "server.port", "0",
                "server.address", "127.0.0.1",
                client + "registration.auth0.client-id", text("client_id"),
                client + "registration.auth0.client-secret", text("client_secret"),
                client + "registration.auth0.scope", text("scope"),
                client + "provider.auth0.issuer-uri", text("issuer"),
                "spring.security.oauth2.resourceserver.jwt.issuer-uri", text("issuer"),
                "spring.security.oauth2.resourceserver.jwt.audiences", text("audience")));
        application.addListeners((ApplicationListener<ServletWebServerInitializedEvent>) event ->
                System.out.println("http://localhost:" + event.getWebServer().getPort()));
        application.run();
    }

    private static String text(String name) {
        return settings.get(name).asText();
    }

    /** The API: a scope is the authority SCOPE_ and its name. */
    @Bean
    @Order(1)
    SecurityFilterChain api(HttpSecurity http) throws Exception {
        return http.securityMatcher("/contacts/**")
                .csrf(csrf -> csrf.disable())
                .authorizeHttpRequests(requests -> requests
                        .requestMatchers(HttpMethod.GET).hasAuthority("SCOPE_read:contacts")
                        .requestMatchers(HttpMethod.DELETE).hasAuthority("SCOPE_delete:contacts"))
                .oauth2ResourceServer(server -> server.jwt(Customizer.withDefaults()))
                .build();
    }

    /** The web application, which asks for a token for the API. */
    @Bean
    @Order(2)
    SecurityFilterChain application(HttpSecurity http, ClientRegistrationRepository clients) throws Exception {
        var requests = new DefaultOAuth2AuthorizationRequestResolver(clients, "/oauth2/authorization");
        requests.setAuthorizationRequestCustomizer(OAuth2AuthorizationRequestCustomizers.withPkce()
                .andThen(request -> request.additionalParameters(more -> more.put("audience", text("audience")))));
        var loggedOut = new OidcClientInitiatedLogoutSuccessHandler(clients);
        loggedOut.setPostLogoutRedirectUri("{baseUrl}/out");
        return http.authorizeHttpRequests(paths -> paths.requestMatchers("/out").permitAll().anyRequest().authenticated())
                .oauth2Login(login -> login.authorizationEndpoint(point -> point.authorizationRequestResolver(requests)))
                .logout(logout -> logout
                        .logoutRequestMatcher(new AntPathRequestMatcher("/logout", "GET"))
                        .logoutSuccessHandler(loggedOut))
                .build();
    }

    @RestController
    static class Pages {
        @GetMapping("/me")
        Map<String, Object> me(
                @AuthenticationPrincipal OidcUser user,
                @RegisteredOAuth2AuthorizedClient("auth0") OAuth2AuthorizedClient client) {
            return Map.of(
                    "email", user.getEmail(),
                    "id_token", user.getIdToken().getTokenValue(),
                    "access_token", client.getAccessToken().getTokenValue(),
                    "refresh", client.getRefreshToken() != null);
        }

        @GetMapping("/out")
        String out() {
            return "out";
        }

        @GetMapping("/contacts")
        String read() {
            return "read";
        }

        @DeleteMapping("/contacts/1")
        String delete() {
            return "deleted";
        }
    }
}
